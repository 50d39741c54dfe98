/** A plain nginx of the toolbox beside our edge: each has one core, in turns, and what counts is the processor time that its workers took. */
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StatusReply } from '../src/api/types.ts';
import { poll } from '../src/lib/deadline.ts';
import { exec, start } from '../src/lib/exec.ts';
import { median } from './report.ts';
import type { Stand } from './stand.ts';

/** The server has one core, and the one who asks another. */
const SERVER_CORE = '1';
const CLIENT_CORE = '0';
const TICKS_A_SECOND = 100;
/** Where the peer's files are, as it sees them. */
export const PEER_DIR = '/tmp/bench';
export const ROUNDS = 7;
export const SECONDS = 4;
export const CONNECTIONS = 32;
/** What begins the command line of one who asks. */
export const CLIENT = ['taskset', '-c', CLIENT_CORE] as const;

export interface Way {
  /** Processes of the server. */
  readonly pids: readonly number[];
}

export interface Load {
  readonly count: number;
  readonly perSecond: number;
  readonly p99Ms: number;
}

interface Figures {
  /** By the CPU time that the server took, whatever else the machine did. */
  readonly perCore: number;
  readonly perSecond: number;
  readonly p99Ms: number;
}

/** The medians of each way. */
export async function inRounds<W extends Way>(ways: readonly W[], rounds: number, load: (way: W) => Promise<Load>): Promise<ReadonlyMap<W, Figures>> {
  const figures = new Map<W, Figures[]>(ways.map((way) => [way, []]));
  for (let round = 0; round < rounds; round += 1) {
    console.log(`round ${round + 1} of ${rounds}`);
    for (const way of ways) {
      const before = await cpuSeconds(way.pids);
      const { count, perSecond, p99Ms } = await load(way);
      figures.get(way)?.push({ perCore: count / ((await cpuSeconds(way.pids)) - before), perSecond, p99Ms });
    }
  }
  const of = (all: readonly Figures[], key: keyof Figures): number => median(all.map((one) => one[key]));
  return new Map([...figures].map(([way, all]) => [way, { perCore: of(all, 'perCore'), perSecond: of(all, 'perSecond'), p99Ms: of(all, 'p99Ms') }]));
}

/** Workers of our edge. */
export async function ourWorkers({ api }: Stand): Promise<number[]> {
  const { edge } = await api.get<StatusReply>('/v1/status');
  return pin(edge.pid ?? 0);
}

export interface Peer {
  /** What is in its `http` block. */
  readonly http: string;
  readonly modules?: readonly string[];
  /** Below PEER_DIR. */
  readonly files: Readonly<Record<string, string | Buffer>>;
  /** Where it answers when it is ready. */
  readonly port: number;
}

/** The root file system of the toolbox, and the directory in it for the peer. */
export async function peerDir({ platform }: Stand): Promise<{ rootfs: string; dir: string }> {
  const [toolbox = ''] = await readdir(join(platform.state, 'toolbox'));
  const rootfs = join(platform.state, 'toolbox', toolbox, 'rootfs');
  const dir = join(rootfs, PEER_DIR);
  await mkdir(join(dir, 'html'), { recursive: true });
  for (const path of [join(dir, 'html'), dir]) await chmod(path, 0o755);
  return { rootfs, dir };
}

/** Starts the peer; returns its workers. */
export async function startPeer(stand: Stand, { http, modules = [], files, port }: Peer, undo: AsyncDisposableStack): Promise<number[]> {
  const { rootfs, dir } = await peerDir(stand);
  const temporary = ['client_body', 'fastcgi', 'proxy', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${PEER_DIR}/t-${name};`).join(' ');
  const config = `daemon off; user root; worker_processes auto; pid ${PEER_DIR}/nginx.pid; error_log stderr error;
${modules.map((name) => `load_module /usr/lib/nginx/modules/${name}.so;`).join('\n')}
events { worker_connections 4096; }
http {
  include /etc/nginx/mime.types; access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000; ${temporary}
${http}
}
`;
  for (const [name, content] of Object.entries({ ...files, 'nginx.conf': config })) await writeFile(join(dir, name), content);
  const peer = start(['chroot', rootfs, '/usr/sbin/nginx', '-e', 'stderr', '-c', `${PEER_DIR}/nginx.conf`], { stdio: ['ignore', 'inherit', 'inherit'] });
  undo.defer(async () => {
    const ended = once(peer, 'exit');
    peer.kill('SIGTERM');
    await ended;
  });
  const answers = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/page.html`).then(
      ({ status }) => status < 500,
      () => false,
    );
  if ((await poll(answers, { timeoutMs: 20_000, everyMs: 100 })) !== true) throw new Error('the plain nginx does not answer');
  return pin(peer.pid ?? 0);
}

/** Requests over connections that stay open. */
export async function wrk(url: string, headers: readonly string[]): Promise<Load> {
  const asked = headers.flatMap((header) => ['-H', header]);
  const how = ['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, '--timeout', '20s', '--latency'];
  const { stdout } = await exec([...CLIENT, 'wrk', ...how, ...asked, url], { timeoutMs: 60_000 });
  if (/Non-2xx|Socket errors/u.test(stdout)) throw new Error(`wrong answers:\n${stdout}`);
  const [, p99 = '', unit = ''] = /99%\s+([\d.]+)(us|ms|s)/u.exec(stdout) ?? [];
  return {
    count: Number(/(\d+) requests in/u.exec(stdout)?.[1]),
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/u.exec(stdout)?.[1]),
    p99Ms: Number(p99) * ({ us: 0.001, ms: 1, s: 1000 }[unit] ?? Number.NaN),
  };
}

/** A server with all its workers on one core. Those that look after its cache take no part in answering, and one of them ends by itself. */
async function pin(pid: number): Promise<number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(/\s+/u).filter(Boolean).map(Number);
  const titles = await Promise.all(children.map((child) => readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '')));
  const workers = children.filter((_, index) => titles[index]?.includes('worker process'));
  for (const worker of workers) await exec(['taskset', '-cp', SERVER_CORE, String(worker)]);
  return workers;
}

async function cpuSeconds(pids: readonly number[]): Promise<number> {
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8')));
  const ticks = stats.map((text) => text.slice(text.lastIndexOf(')') + 2).split(' ')).map((fields) => Number(fields[11]) + Number(fields[12]));
  return ticks.reduce((sum, one) => sum + one, 0) / TICKS_A_SECOND;
}

/** How the figures of a table came about, for its text. */
export function howCounted(rounds: number): string {
  return `${SECONDS} s a turn, the ways in turns, medians of ${rounds} rounds. Each server has one core with all its workers, the one who asks the other one. What a core does in a second is counted by the CPU time that the server's processes took, so what else the machine does matters little.`;
}
