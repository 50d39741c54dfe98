/** Ends every container with the platform; those whose policy says so start with it again. */
import { isUp } from '../domain/container.ts';
import type { Container } from '../domain/container.ts';
import type { Containers } from './containers.ts';

/** @param isOthers whether somebody else ends it */
export async function endAll(containers: Containers, isOthers: (container: Container) => Promise<boolean>): Promise<void> {
  containers.close();
  const up = (await containers.list()).filter(isUp);
  await Promise.allSettled(up.map(async (one) => void ((await isOthers(one)) || (await containers.stop(one.id, { byHand: false })))));
}
