/** Puts the edge together and starts it. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import { edgePaths, edgeSpec, prepareEdge } from '../edge/edge-service.ts';
import type { Progress } from '../image/image-store.ts';
import { isListening } from '../lib/listen-probe.ts';
import { serviceContainerId, SystemService } from '../lifecycle/system-service.ts';
import type { ServiceDeps } from '../lifecycle/system-service.ts';
import type { Foundation } from './foundation.ts';
import { refuseTakenPorts, rememberPorts } from './ports.ts';

const NAME = 'edge';
const LOOPBACK = { host: '127.0.0.1' };
const READY_WITHIN_MS = 15_000;
const END_WITHIN_MS = 10_000;

/** @throws SubakoError `port_taken` */
export async function startEdge(config: Config, foundation: Foundation, deps: ServiceDeps & { progress: Progress }): Promise<SystemService> {
  const paths = edgePaths(config);
  const { rootfs } = foundation.toolbox.image;
  deps.progress('starting the edge');
  const tlsAlpn = config.acme?.challenge === 'tls-alpn-01';
  const settings = { ...config, ipv6: existsSync('/proc/net/if_inet6'), tlsAlpn, cacheBytes: config.cacheSize };
  const configuration = await prepareEdge(paths, settings);
  const service = new SystemService(
    {
      name: NAME,
      spec: edgeSpec(paths, { rootfs, cgroupPath: foundation.cgroupPathOf(serviceContainerId(NAME)) }),
      configuration,
      logPath: paths.log,
      isReady: async () => (await isListening({ ...LOOPBACK, port: config.http })) && isListening({ ...LOOPBACK, port: config.https }),
      readyWithinMs: READY_WITHIN_MS,
      endSignal: 'SIGQUIT',
      endWithinMs: END_WITHIN_MS,
    },
    {
      ...deps,
      beforeBoot: async () => {
        await refuseTakenPorts(config);
        for (const socket of paths.ownSockets) await rm(socket, { force: true });
      },
    },
  );
  await service.start();
  await rememberPorts(config);
  return service;
}
