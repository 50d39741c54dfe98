/** Ends every container with the platform; those whose policy says so start with it again. */
import { isUp } from '../domain/container.ts';
import type { Containers } from './containers.ts';

export async function endAll(containers: Containers): Promise<void> {
  containers.close();
  const up = (await containers.list()).filter(isUp);
  await Promise.allSettled(up.map(({ id }) => containers.stop(id, { byHand: false })));
}
