/** What a container is told of names: /etc/hosts and /etc/resolv.conf, in files of the site's own that it cannot write to. */
import { join } from 'node:path';
import { GATEWAY } from '../domain/gateway.ts';
import { writeFileAtomic } from '../lib/files.ts';
import type { BindMount } from '../runtime/bundle/bundle-spec.ts';
import type { StackContext } from './stack.ts';

type Named = Pick<StackContext, 'site' | 'paths'>;

/** Asked by those containers that may ask. */
export async function writeResolver({ paths }: Named): Promise<void> {
  await writeFileAtomic(join(paths.configOf('public'), 'resolv.conf'), `nameserver ${GATEWAY}\n`, { mode: 0o444 });
}

/** Its own names lead to the edge of this machine. @param names besides its domain */
export async function writeHosts({ site, paths }: Named, names: readonly string[]): Promise<void> {
  const lines = ['127.0.0.1 localhost', '127.0.1.1 site', ...[site.domain, ...names].map((name) => `${GATEWAY} ${name}`)];
  await writeFileAtomic(join(paths.configOf('public'), 'hosts'), `${lines.join('\n')}\n`, { mode: 0o444 });
}

export function nameMounts({ paths }: Pick<Named, 'paths'>): BindMount[] {
  return ['hosts', 'resolv.conf'].map((name) => ({ source: join(paths.configOf('public'), name), destination: `/etc/${name}`, writable: false }));
}
