/** Containers as the API shows them. */
import { readFile } from 'node:fs/promises';
import type { ApiContainers, ApiNetworks } from '../api/platform.ts';
import type { ContainerReply, ContainerRow, ProcessRow, StatsRow } from '../api/container-types.ts';
import { memberOf } from '../compose/labels.ts';
import { copyIn, copyOut } from '../container/copy.ts';
import type { ContainersDeps } from '../container/deps.ts';
import type { Containers } from '../container/containers.ts';
import type { HealthChecks } from '../container/health-checks.ts';
import { formatPort } from '../container/ports.ts';
import type { Volumes } from '../container/volumes.ts';
import { isUp } from '../domain/container.ts';
import type { Container } from '../domain/container.ts';
import { rangeBase } from '../domain/uid-range.ts';
import type { Networks } from '../network/networks.ts';
import { CpuMeter } from './cpu-meter.ts';

export interface ContainersApiDeps {
  readonly containers: Containers;
  readonly volumes: Volumes;
  readonly networks: ApiNetworks;
  readonly health: HealthChecks;
  readonly node: string;
  readonly memoryBytes: number;
  readonly deps: ContainersDeps;
}

export function containersApi({ containers, volumes, networks, health, node, memoryBytes, deps }: ContainersApiDeps): ApiContainers {
  const cpu = new CpuMeter();
  const row = async (container: Container): Promise<ContainerRow> => {
    const usage = await containers.looks.usage(container);
    return {
      id: container.id,
      site: null,
      container: container.name,
      project: memberOf(container)?.project ?? null,
      image: container.image.ref,
      role: null,
      node,
      state: container.state,
      pid: container.process?.pid ?? null,
      cpuPercent: usage === undefined ? null : cpu.percent(container.id, usage.cpuMs),
      memoryBytes: usage?.memoryBytes ?? null,
      since: (isUp(container) ? container.startedAt : container.endedAt) ?? container.createdAt,
      instances: isUp(container) ? 1 : 0,
      why: container.problem ?? null,
      wakes: 0,
      lastWake: null,
      exitCode: container.exitCode ?? null,
      health: health.of(container.id)?.status ?? null,
      command: container.spec.args,
      ports: container.spec.ports.map(formatPort),
    };
  };
  return {
    all: containers,
    volumes,
    networks,
    isUp: async (id) => containers.get(id).then(isUp, () => false),
    describe: (container) => describe(container, health, deps.networks),
    rows: async ({ all }) => Promise.all((await containers.list()).filter((container) => all || isUp(container)).map(row)),
    stats: async () => {
      const up = (await containers.list()).filter(isUp);
      cpu.keepOnly(new Set(up.map(({ id }) => id)));
      const rows = await Promise.all(up.map((container) => statsOf(container, { containers, cpu, memoryBytes })));
      return rows.filter((one) => one !== undefined);
    },
    copyOut: (ref, path, output) => copyOut(containers, { ref, path, output }, deps),
    copyIn: (ref, { path, name }, input) => copyIn(containers, { ref, path, name, input }, deps),
    processes: async (ref) => {
      const { uidRange } = await containers.get(ref);
      const rows = await Promise.all((await containers.looks.processes(ref)).map((pid) => processRow(pid, rangeBase(uidRange))));
      return rows.filter((one) => one !== undefined);
    },
  };
}

function describe(container: Container, health: HealthChecks, networks: Networks): ContainerReply {
  const { id, name, image, state, restarts, createdAt, spec } = container;
  return {
    id,
    name,
    image,
    state,
    pid: container.process?.pid ?? null,
    exitCode: container.exitCode ?? null,
    outOfMemory: container.wasOutOfMemory,
    problem: container.problem ?? null,
    health: health.of(id) ?? null,
    restarts,
    createdAt,
    startedAt: container.startedAt ?? null,
    endedAt: container.endedAt ?? null,
    ports: spec.ports.map(formatPort),
    address: networks.addressOf(id) ?? null,
    address6: networks.address6Of(id) ?? null,
    networks: networks.placesOf(id).map(({ network, address, address6, names }) => ({ network: network.name, address, address6: address6 ?? null, names })),
    spec: { ...spec },
  };
}

async function statsOf(
  container: Container,
  { containers, cpu, memoryBytes }: { containers: Containers; cpu: CpuMeter; memoryBytes: number },
): Promise<StatsRow | undefined> {
  const usage = await containers.looks.usage(container);
  if (usage === undefined) return undefined;
  return {
    id: container.id,
    container: container.name,
    cpuPercent: cpu.percent(container.id, usage.cpuMs),
    memoryBytes: usage.memoryBytes,
    memoryLimitBytes: container.spec.memoryBytes ?? memoryBytes,
    processes: (await containers.looks.processes(container.id).catch(() => [])).length,
  };
}

/** Undefined when it has ended. */
async function processRow(pid: number, base: number): Promise<ProcessRow | undefined> {
  const [status, line] = await Promise.all(['status', 'cmdline'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')));
  const field = (name: string): string => new RegExp(`^${name}:\\s+(\\S+)`, 'mu').exec(status ?? '')?.[1] ?? '';
  if (status === undefined || status === '') return undefined;
  const command = (line ?? '').replaceAll('\0', ' ').trim();
  return { pid, uid: Number(field('Uid')) - base, memoryBytes: Number(field('VmRSS')) * 1024 || 0, command: command === '' ? field('Name') : command };
}
