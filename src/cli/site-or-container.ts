/** A name on the command line is a site's domain, or else a container's. */
import { SubakoError } from '../domain/errors.ts';

/** @throws SubakoError what went wrong with the site; `not_found` when it is neither */
export async function siteOrContainer<T>(asSite: () => Promise<T>, asContainer: () => Promise<T>): Promise<T> {
  try {
    return await asSite();
  } catch (error) {
    if (!isMissing(error)) throw error;
    return asContainer().catch((missing: unknown) => {
      throw isMissing(missing)
        ? new SubakoError('not_found', `${error.message}, and no such container`, { hint: 'subako ps -a shows what there is' })
        : missing;
    });
  }
}

/** What is no domain can still be a container's name. */
function isMissing(error: unknown): error is SubakoError {
  return error instanceof SubakoError && (error.code === 'not_found' || error.code === 'unknown_host' || error.code === 'bad_domain');
}
