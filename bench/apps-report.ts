/** What the benchmark of apps tells. */
import { markdownTable } from './report.ts';
import { phaseRows, WAY_HEAD, wayRow } from './wake-report.ts';
import type { WakeFigures } from './wake-report.ts';

const WAYS: Readonly<Record<string, string>> = {
  warm: 'warm page (W)',
  paused: 'warm page after a moment’s pause, as there is before each way below',
  frozen: '**frozen** → first page',
  checkpointed: '**checkpointed** → first page',
  cold: '**cold**, by boot → first page',
  start: '`podman start`',
  run: '`podman run`',
};

const PEERS = ['start', 'run'] as const;
const TITLES = { listen: 'listen: the app starts, until it listens', page: 'page: the app answers, and the way there and back' } as const;

/** @param figures by app */
export function tellApps(figures: ReadonlyMap<string, WakeFigures>, podman: string): string {
  const parts = [...figures].map(([name, { series, phases }]) => {
    const rows = Object.entries(WAYS).map(([way, title]) => wayRow(way, { title, series, beside: PEERS }));
    const ways = Object.keys(phases);
    return `### ${name}

${markdownTable([...WAY_HEAD, ...PEERS.map((peer) => `\`podman ${peer}\` over it`)], rows)}

${markdownTable(['where the milliseconds go (medians)', ...ways], phaseRows(phases, ways, TITLES))}`;
  });
  return `## apps: the first page of a sleeping nginx, Node app and Rails app

The same files and the same command, in one run, in turns. Ours: from the request, sent to the edge, to the last byte of the page. Podman: from the command to the last byte of the first page from the port that it publishes on loopback; whether that port accepts is tried each millisecond.

${parts.join('\n\n')}

nginx, nodejs and rails (with puma) of Debian 13, run as www-data, with a page of some sixty bytes, whose first byte and last byte come at once: W is next to nothing here, so a ratio to it says more about W than about the wake. Each has a network of its own as it is by default: ours a veth pair with nftables, podman’s its bridge with a published port. Ours also has a user namespace, a system call allow-list and the edge in front. The peer: podman ${podman} with crun, overlay storage, the image already there, cgroupfs, k8s-file log; \`podman start\` starts a container that was created before. There is no template of an app, so a cold one boots. zeropod's published figure for the restore of an nginx from a checkpoint is 127 ms, on a machine of its own; ours is the row *checkpointed* of nginx, with its ratio to W.`;
}
