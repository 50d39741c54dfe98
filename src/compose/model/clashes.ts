/** Things of a project that cannot be had twice: ports of the machine, names. Pure. */
import type { ProjectService, ProjectSite } from '../../domain/project.ts';
import { refusal } from '../file/problem.ts';
import type { ReadProject } from '../file/read-project.ts';

/** The site's port is the edge's business. @throws SubakoError `bad_setting` */
export function refuseClashes(services: readonly ProjectService[], site: ProjectSite | undefined, { sources }: ReadProject): void {
  const taken = new Map<string, string>();
  const names = new Map<string, string>();
  for (const { name, replicas, container } of services) {
    if (name === site?.service) continue;
    for (const [index, text] of container.publish.entries()) {
      const keys = ['services', name, 'ports', index];
      const port = hostPortOf(text);
      if (port === undefined) continue;
      if (replicas > 1)
        throw refusal(sources, { keys, message: `${replicas} containers cannot have one port`, hint: 'leave the machine’s port out: each gets one' });
      const holder = taken.get(port);
      if (holder !== undefined) throw refusal(sources, { keys, message: `port ${port} is published twice: by ${holder} too`, hint: 'choose another' });
      taken.set(port, name);
    }
    const { name: own } = container;
    const other = own === undefined ? undefined : names.get(own);
    if (other !== undefined) throw refusal(sources, { keys: ['services', name, 'container_name'], message: `${other} is called so too` });
    if (own !== undefined) names.set(own, name);
  }
}

/** With its address and protocol. Undefined: any. */
function hostPortOf(text: string): string | undefined {
  const [, host, , protocol] = /^(.*:|)(\d+)\/(\w+)$/u.exec(text) ?? [];
  return host === undefined || host === '' || host.endsWith('::') ? undefined : `${host.slice(0, -1)}/${protocol}`;
}
