/** Who has a volume. */
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { Container } from '../domain/container.ts';
import type { Site } from '../domain/site.ts';

export async function containersWith(volume: string, cmdb: Pick<Cmdb, 'containers'>): Promise<Container[]> {
  return (await cmdb.containers()).filter(({ spec }) => spec.volumes.some(({ from }) => 'volume' in from && from.volume === volume));
}

export async function sitesWith(volume: string, cmdb: Pick<Cmdb, 'sites'>): Promise<Site[]> {
  return (await cmdb.sites()).filter(({ app }) => app?.pod?.volumes.some(({ name }) => name === volume) ?? false);
}
