/** `subako run --rm IMAGE true` beside `podman run --rm IMAGE true`, the same image, in turns. */
import { join } from 'node:path';
import { exec } from '../src/lib/exec.ts';
import { importBusybox } from '../test/helpers/busybox.ts';
import { PODMAN_LIMITS, PodmanStore } from './podman-store.ts';
import { endStand, startStand } from './stand.ts';
import type { Stand } from './stand.ts';
import { markdownTable, median, percentile, writeSection } from './report.ts';

const ROUNDS = 20;
const TRUE = ['busybox', 'true'] as const;
const PODMAN_IMAGE = 'localhost/subako-bench-busybox';

type Way = readonly [name: string, argv: readonly string[]];

export async function run(rounds = ROUNDS): Promise<void> {
  const stand = await startStand({ checkpoints: false });
  try {
    await importBusybox(stand.api, stand.platform.dir);
    const podman = await PodmanStore.open(join(stand.platform.dir, 'podman'));
    try {
      await podman.run(['import', join(stand.platform.dir, 'busybox.tar'), PODMAN_IMAGE], 600_000);
      await measure(waysOf(stand, podman.argv), rounds);
    } finally {
      await podman.dispose();
    }
  } finally {
    await endStand(stand);
  }
}

function waysOf({ platform }: Stand, podman: readonly string[]): readonly Way[] {
  const subako = [join(import.meta.dirname, '..', 'subako'), 'run', '--state', platform.state, '--run', platform.run, '--rm'];
  return [
    ['subako run --rm', [...subako, ...TRUE]],
    ['podman run --rm', [...podman, 'run', ...PODMAN_LIMITS, '--rm', PODMAN_IMAGE, 'true']],
    ['subako run --rm --network none', [...subako, '--network', 'none', ...TRUE]],
    ['podman run --rm --network none', [...podman, 'run', ...PODMAN_LIMITS, '--rm', '--network', 'none', PODMAN_IMAGE, 'true']],
  ];
}

async function measure(ways: readonly Way[], rounds: number): Promise<void> {
  const times = new Map<string, number[]>(ways.map(([name]) => [name, []]));
  // The first of each is not counted: whatever is fetched or compiled then is there afterwards.
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, argv] of ways) {
      const began = performance.now();
      await exec(argv, { timeoutMs: 60_000, env: { HOME: '/root' } });
      if (round > 0) times.get(name)?.push(performance.now() - began);
    }
  }
  const of = (name: string): number => median(times.get(name) ?? []);
  const rows = ways.map(([name]) => [name, `${of(name).toFixed(0)} ms`, `${percentile(times.get(name) ?? [], 0.95).toFixed(0)} ms`]);
  const ratio = (network: string): string => (of(`podman run --rm${network}`) / of(`subako run --rm${network}`)).toFixed(2);
  const { stdout } = await exec(['podman', '--version']);
  const body = `## A container that says true

\`run --rm\` of the same busybox image, from the command to its exit code, in turns, ${rounds} times; ${stdout.trim()}. Each has a network of its own: ours nftables and a veth pair, podman's its bridge.

${markdownTable(['way', 'median', '95 %'], rows)}

**${ratio('')} times** as quick as podman; without a network ${ratio(' --network none')} times.`;
  await writeSection('start', body, { keep: rounds >= ROUNDS });
}
