/** What a container is told of names: /etc/hosts and /etc/resolv.conf, in files of the site's own that it cannot write to. */
import { join } from 'node:path';
import { GATEWAY } from '../domain/gateway.ts';
import { writeFileAtomic } from '../lib/files.ts';
import type { BindMount } from '../runtime/bundle/bundle-spec.ts';
import type { StackContext } from './stack.ts';

/** Names of the files, and of every container itself: the same for all. */
export const [HOSTS, HOST_NAME] = ['hosts', 'site'];
const RESOLVER = 'resolv.conf';

type Named = Pick<StackContext, 'site' | 'paths'>;

/** Asked by those containers that may ask. */
export async function writeResolver({ paths }: Named): Promise<void> {
  await writeFileAtomic(join(paths.configOf('public'), RESOLVER), `nameserver ${GATEWAY}\n`, { mode: 0o444 });
}

/** Its own names lead to the edge of this machine. @param names besides its domain */
export async function writeHosts({ site, paths }: Named, names: readonly string[]): Promise<void> {
  const lines = ['127.0.0.1 localhost', `127.0.1.1 ${HOST_NAME}`, ...[site.domain, ...names].map((name) => `${GATEWAY} ${name}`)];
  await writeFileAtomic(join(paths.configOf('public'), HOSTS), `${lines.join('\n')}\n`, { mode: 0o444 });
}

/** @param hosts a file of the instance's own in the place of the site's */
export function nameMounts({ paths }: Pick<Named, 'paths'>, hosts = join(paths.configOf('public'), HOSTS)): BindMount[] {
  const files = { [HOSTS]: hosts, [RESOLVER]: join(paths.configOf('public'), RESOLVER) };
  return Object.entries(files).map(([name, source]) => ({ source, destination: `/etc/${name}`, writable: false }));
}
