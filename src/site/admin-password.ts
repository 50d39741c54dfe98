/** The extra password before a site's wp-admin, as the one line that is kept of it: a salted hash that nginx and the edge's rules read. */
import { createHash, randomBytes } from 'node:crypto';
import { SubakoError } from '../domain/errors.ts';

export interface Login {
  readonly user: string;
  readonly password: string;
}

const SALT_BYTES = 16;
const USER = /^[A-Za-z0-9._@-]{1,60}$/u;
/** A long one: the hash is a quick one, because the edge works it out at each request (decision 030). */
const PASSWORD = /^[^\p{Cc}]{16,200}$/u;

/** @throws SubakoError `bad_setting` for a name or a password that cannot be one */
export function hashLogin({ user, password }: Login): string {
  if (!USER.test(user)) throw new SubakoError('bad_setting', `“${user}” is not a user name`, { hint: 'use letters, digits, and _ . - @' });
  if (!PASSWORD.test(password))
    throw new SubakoError('bad_setting', 'this is not a password to use here', { hint: 'use 16 to 200 characters, or none at all to have one made' });
  const salt = randomBytes(SALT_BYTES);
  const digest = createHash('sha1').update(password).update(salt).digest();
  return `${user}:{SSHA}${Buffer.concat([digest, salt]).toString('base64')}`;
}
