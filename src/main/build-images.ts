/** Puts the store of images together. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { programDirectories, proxyEnvironment } from '../config/environment.ts';
import type { Config } from '../config/config.ts';
import type { Cmdb } from '../cmdb/cmdb.ts';
import { rangeBase, SERVICE_RANGE } from '../domain/uid-range.ts';
import { ImageTools } from '../image/oci/image-tools.ts';
import { OciStore } from '../image/oci/oci-store.ts';
import { clearScans } from '../image/oci/scan/scanner-program.ts';
import { Cage } from '../runtime/cgroup/cage.ts';
import { childCgroups, removeCgroup } from '../runtime/cgroup/remove.ts';
import { ensureImageTools } from '../toolbox/toolbox.ts';
import type { Foundation } from './foundation.ts';
import { buildEgress, clearEgress } from './build-egress.ts';
import { platformPaths } from './paths.ts';

/** Begins the name of a scan's cgroup. */
const SCAN = 'scan-';

/** Nothing is fetched for it until the first image is. */
export async function buildImages(config: Config, { foundation, cmdb }: { foundation: Foundation; cmdb: Cmdb }): Promise<OciStore> {
  const paths = platformPaths(config);
  const tools = new ImageTools({
    dir: paths.oci,
    runDir: paths.ociRun,
    programs: (progress) => ensureImageTools(foundation.toolboxes, (text) => progress(`image tools: ${text}`)),
    runtime: {
      crun: foundation.toolbox.crun,
      cgroup: foundation.cgroup,
      hostIdBase: rangeBase(SERVICE_RANGE.build),
      egress: buildEgress(foundation.networks, paths.ociRun),
    },
    registries: config.registries,
    environment: proxyEnvironment(),
  });
  await tools.clearWork();
  await clearEgress(paths.ociRun);
  const { cgroups, cgroup } = foundation;
  for (const name of await childCgroups(cgroups, cgroup)) if (name.startsWith(SCAN)) await removeCgroup(cgroups, join(cgroup, name));
  await clearScans(paths.scanner);
  return new OciStore({
    tools,
    imageSizeLimit: config.imageSizeLimit,
    scanner: {
      program: config.imageScanner,
      path: programDirectories(),
      dir: paths.scanner,
      memoryBytes: config.imageScannerMemory,
      cage: (limits) => new Cage(cgroups, join(cgroup, `${SCAN}${randomBytes(6).toString('hex')}`), limits),
    },
    users: () => usersOf(cmdb),
  });
}

/** By image. Also sites that have another by now, and a container that runs the one before. */
async function usersOf(cmdb: Cmdb): Promise<ReadonlyMap<string, readonly string[]>> {
  const imagesOfSites = Map.groupBy(await cmdb.instances(), ({ siteId }) => siteId);
  const uses = [
    ...(await cmdb.sites()).flatMap(({ id, image, domain }) => {
      const images = new Set([image, ...(imagesOfSites.get(id) ?? []).map((instance) => instance.image)]);
      return [...images].map((one) => ({ image: one, user: domain }));
    }),
    ...(await cmdb.containers()).map(({ image, name }) => ({ image: image.id, user: name })),
  ];
  return new Map([...Map.groupBy(uses, ({ image }) => image)].map(([image, of]) => [image, of.map(({ user }) => user)]));
}
