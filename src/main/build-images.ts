/** Puts the store of images together. */
import { programDirectories, proxyEnvironment } from '../config/config.ts';
import type { Config } from '../config/config.ts';
import type { Cmdb } from '../cmdb/cmdb.ts';
import { ImageTools } from '../image/oci/image-tools.ts';
import { OciStore } from '../image/oci/oci-store.ts';
import { ensureImageTools } from '../toolbox/toolbox.ts';
import type { Foundation } from './foundation.ts';
import { buildEgress, clearEgress } from './build-egress.ts';
import { platformPaths } from './paths.ts';

/** Nothing is fetched for it until the first image is. */
export async function buildImages(config: Config, { foundation, cmdb }: { foundation: Foundation; cmdb: Cmdb }): Promise<OciStore> {
  const paths = platformPaths(config);
  const tools = new ImageTools({
    dir: paths.oci,
    runDir: paths.ociRun,
    programs: (progress) => ensureImageTools(foundation.toolboxes, (text) => progress(`image tools: ${text}`)),
    runtime: { crun: foundation.toolbox.crun, cgroup: foundation.cgroup, egress: buildEgress(foundation.networks, paths.ociRun) },
    registries: config.registries,
    environment: proxyEnvironment(),
  });
  await tools.clearWork();
  await clearEgress(paths.ociRun);
  return new OciStore({
    tools,
    imageSizeLimit: config.imageSizeLimit,
    scanner: { program: config.imageScanner, path: programDirectories(), dir: paths.scanner },
    usedBy: async (id) => [...(await sitesOf(cmdb, id)), ...(await cmdb.containers()).filter(({ image }) => image.id === id).map(({ name }) => name)],
  });
}

/** Also those that have another by now, and a container that runs the one before. */
async function sitesOf(cmdb: Cmdb, image: string): Promise<string[]> {
  const running = new Set((await cmdb.instances()).filter((instance) => instance.image === image).map(({ siteId }) => siteId));
  return (await cmdb.sites()).filter((site) => site.image === image || running.has(site.id)).map(({ domain }) => domain);
}
