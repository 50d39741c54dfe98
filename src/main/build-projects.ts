/** Takes over containers, puts projects together, and finishes or undoes what an earlier daemon left half done of them. */
import type { ApiProjects } from '../api/platform.ts';
import type { Cmdb } from '../cmdb/cmdb.ts';
import { Projects } from '../compose/projects.ts';
import type { Config } from '../config/config.ts';
import type { EventSink } from '../domain/events.ts';
import type { OciStore } from '../image/oci/oci-store.ts';
import { ImageGate } from '../site/image-gate.ts';
import { beginContainers } from './build-containers.ts';
import type { BuiltContainers, Ending } from './build-containers.ts';
import type { BuiltSites } from './build-sites.ts';
import { platformPaths } from './paths.ts';
import { projectsApi } from './projects-api.ts';

export interface BuildProjectsDeps extends BuiltContainers, Ending, Pick<BuiltSites, 'sites' | 'lifecycle' | 'addresses'> {
  readonly cmdb: Cmdb;
  readonly emit: EventSink;
  readonly images: OciStore;
}

export async function buildProjects(config: Config, deps: BuildProjectsDeps): Promise<ApiProjects> {
  const dir = platformPaths(config).projects;
  await beginContainers(deps, deps);
  const gate = new ImageGate({ images: deps.images, emit: deps.emit, settings: config });
  const projects = new Projects({ ...deps, networks: deps.named, dir, gate, now: Date.now });
  await projects.recover();
  return projectsApi({ ...deps, projects, dir });
}
