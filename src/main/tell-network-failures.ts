/** Tells by an event of containers that could not be given their network, and go on without. */
import type { Cmdb } from '../cmdb/cmdb.ts';
import { asSubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import type { Foundation } from './foundation.ts';

export function tellNetworkFailures({ containerNetworks }: Foundation, { cmdb, emit }: { cmdb: Cmdb; emit: EventSink }): void {
  const siteOf = async (id: string): Promise<{ site?: string }> => {
    const site = await cmdb.site(id.split('-')[0] ?? '').catch(() => undefined);
    return site === undefined ? {} : { site: site.domain };
  };
  containerNetworks.onFailed = (instance, error) => {
    const { message, facts } = asSubakoError(error);
    void siteOf(instance).then((site) => emit({ type: 'network.failed', ...site, instance, cause: message, facts }));
  };
}
