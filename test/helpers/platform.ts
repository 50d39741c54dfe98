/** A platform of a test's own: its own state, run directory and ports, driven through the command line as a user would. */
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { CreatedSiteReply, PsRow, StatusReply } from '../../src/api/types.ts';
import { Client } from '../../src/cli/client.ts';
import { argvOf } from '../../src/cli/run-here.ts';
import type { SubakoEvent } from '../../src/domain/events.ts';
import { execAny } from '../../src/lib/exec.ts';
import type { ExecResult } from '../../src/lib/exec.ts';
import { poll } from '../../src/lib/deadline.ts';
import type { Role } from '../../src/domain/role.ts';
import type { RestingState } from '../../src/domain/state.ts';
import type { Transition } from '../../src/lifecycle/transition.ts';
import { platformCgroup, platformDigest } from '../../src/main/paths.ts';
import { replyTo } from './reply.ts';
import type { Reply } from './reply.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A visitor with this cookie is led past the page cache. */
const NO_CACHE = 'wordpress_no_cache=1';
export interface FetchOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  /** As any visitor, whose page may come out of the page cache. Otherwise the site is asked. */
  readonly kept?: boolean;
}

export class TestPlatform {
  #failpoints = '';
  readonly dir: string;
  readonly http: number;
  readonly https: number;

  private constructor(dir: string, ports: { http: number; https: number }) {
    this.dir = dir;
    this.http = ports.http;
    this.https = ports.https;
  }

  /** Directories and ports, nothing started yet. Short, because socket paths are. */
  static async create(): Promise<TestPlatform> {
    const dir = await mkdtemp('/tmp/subako-t-');
    await chmod(dir, 0o711);
    const [http, https] = await freePorts();
    return new TestPlatform(dir, { http, https });
  }

  /** @param settings for `config.json` */
  static async start(settings: Readonly<Record<string, unknown>> = {}): Promise<TestPlatform> {
    const platform = await TestPlatform.create();
    await platform.configure(settings);
    await platform.up();
    return platform;
  }

  /** Writes `config.json`. Without spares, unless they are asked for: nothing happens in the background that a test did not begin. */
  async configure(settings: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await mkdir(this.state, { recursive: true, mode: 0o711 });
    await writeFile(join(this.state, 'config.json'), JSON.stringify({ spares: 0, cron: 'never', ...settings }));
  }

  get state(): string {
    return join(this.dir, 'state');
  }

  get run(): string {
    return join(this.dir, 'run');
  }

  get cgroup(): string {
    return platformCgroup(this.state);
  }

  /** What the command line talks to, for tests that ask too often to start a process each time. */
  get api(): Client {
    return new Client(join(this.run, 'api.sock'));
  }

  /** One command line; any exit code is an answer. */
  cli(args: readonly string[], input?: string): Promise<ExecResult> {
    const env = { SUBAKO_STATE: this.state, SUBAKO_RUN: this.run, SUBAKO_FAILPOINTS: this.#failpoints, HOME: '/root', ...cacheEnvironment() };
    return execAny([join(ROOT, 'subako'), ...args], { env, timeoutMs: 600_000, ...(input === undefined ? {} : { input }) });
  }

  /** What `subako exec` does, without a process of the command line. */
  async inside(domain: string, argv: readonly string[], { role = 'admin', input = '' }: { role?: Role; input?: string } = {}): Promise<ExecResult> {
    const session = await this.api.stream('POST', `/v1/sites/${domain}/exec`, { command: argv, tty: false, role });
    try {
      return await execAny(await argvOf(session), { input, timeoutMs: 600_000 });
    } finally {
      session.destroy();
    }
  }

  /** One command line with `--json` that must end well. */
  async json<T>(...args: string[]): Promise<T> {
    const result = await this.cli([...args, '--json']);
    if (result.code !== 0) throw new Error(`subako ${args.join(' ')}: exit ${result.code}\n${result.stdout}${result.stderr}`);
    return JSON.parse(result.stdout) as T;
  }

  /** @param failpoints such as `freeze.frozen=kill` (see src/lib/failpoint.ts) */
  async up(failpoints = ''): Promise<StatusReply> {
    this.#failpoints = failpoints;
    try {
      return await this.json<StatusReply>('up', '--detach', '--http', String(this.http), '--https', String(this.https));
    } finally {
      this.#failpoints = '';
    }
  }

  wake(domain: string, role: Role = 'public'): Promise<Transition> {
    return this.api.post<Transition>(`/v1/sites/${domain}/wake`, { role });
  }

  /** Without a role: both. */
  sleep(domain: string, to: RestingState, role?: Role): Promise<Transition> {
    return this.api.post<Transition>(`/v1/sites/${domain}/sleep`, { to, ...(role === undefined ? {} : { role }) });
  }

  set(domain: string, ...assignments: string[]): Promise<unknown> {
    return this.api.patch(`/v1/sites/${domain}`, { assignments });
  }

  /** @param args such as `--title`, `A title` */
  createSite(domain: string, ...args: string[]): Promise<CreatedSiteReply> {
    const options = { '--title': 'title', '--admin-user': 'adminUser', '--admin-email': 'adminEmail' } as const;
    const given = Object.entries(options).flatMap(([option, field]) => (args.includes(option) ? [[field, args[args.indexOf(option) + 1]]] : []));
    return this.api.post<CreatedSiteReply>('/v1/sites', { domain, ...Object.fromEntries(given) });
  }

  async row(domain: string, role: Role = 'public'): Promise<PsRow> {
    const row = (await this.api.get<PsRow[]>('/v1/ps')).find((one) => one.site === domain && one.role === role);
    if (row === undefined) throw new Error(`${domain} has no ${role} row in ps`);
    return row;
  }

  async events(domain?: string): Promise<SubakoEvent[]> {
    const text = await this.api.text(`/v1/events?limit=20000${domain === undefined ? '' : `&site=${domain}`}`);
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as SubakoEvent);
  }

  /** Waits until the site is in this state. */
  async untilState(domain: string, state: string, timeoutMs = 120_000): Promise<void> {
    const reached = await poll(async () => (await this.row(domain)).state === state, { timeoutMs, everyMs: 200 });
    expect(reached, `${domain} did not become ${state}`).toBe(true);
  }

  /** Waits until so many spares wait. */
  async untilSpares(count: number): Promise<void> {
    const look = async (): Promise<boolean> => (await this.api.get<StatusReply>('/v1/status')).spares.waiting === count;
    expect(await poll(look, { timeoutMs: 180_000, everyMs: 200 }), `there are not ${count} spares`).toBe(true);
  }

  /** Over loopback, with a Host header: what any visitor sends. */
  fetch(host: string, path: string, options: FetchOptions = {}): Promise<Reply> {
    const length = options.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(options.body)) };
    const headers = { host: `${host}:${this.http}`, ...length, ...(options.kept === true ? {} : { cookie: NO_CACHE }), ...options.headers };
    const sent = request({ host: '127.0.0.1', port: this.http, method: options.method ?? 'GET', path, headers, agent: false });
    return replyTo(sent, { what: `${host}${path}`, body: options.body });
  }

  /** PHP in a site's WordPress, run by its owner. */
  wordpress(domain: string, code: string): Promise<ExecResult> {
    const asked = `$_SERVER["HTTP_HOST"] = "${domain}"; require "/srv/wordpress/wp-load.php"; ${code}`;
    return this.inside(domain, ['php8.4', '-c', '/etc/subako/php.ini', '-r', asked]);
  }

  /** A PHP file of the site's owner, reachable as /wp-content/plugins/NAME. */
  async plantPhp(domain: string, name: string, code: string): Promise<void> {
    await this.plant(domain, `plugins/${name}`, code);
  }

  /** A file of the site's owner below wp-content. Nothing wakes for it. */
  async plant(domain: string, path: string, text: string): Promise<void> {
    const content = join(this.state, 'sites', (await this.row(domain)).id, 'content');
    const { uid, gid } = await stat(content);
    await writeFile(join(content, path), text);
    await chown(join(content, path), uid, gid);
  }

  /** Waits until the public role has its template. */
  async untilTemplate(): Promise<void> {
    const made = await poll(async () => (await this.api.get<StatusReply>('/v1/status')).templates > 0, { timeoutMs: 120_000, everyMs: 100 });
    expect(made, 'no template was made').toBe(true);
  }

  async daemonPid(): Promise<number> {
    return (await this.api.get<StatusReply>('/v1/status')).pid;
  }

  /** As a power failure of one process would: no goodbye. */
  async killDaemon(): Promise<void> {
    const pid = await this.daemonPid();
    process.kill(pid, 'SIGKILL');
    await poll(() => !isRunning(pid), { timeoutMs: 120_000, everyMs: 10 });
  }

  /** Files of this platform (images and databases aside) and command lines of any process that hold this text. */
  async grep(text: string): Promise<string[]> {
    const places = ['sites', 'log', 'edge', 'database/init', 'database/root.password', 'cmdb.sqlite', 'cmdb.sqlite-wal'].map((name) => join(this.state, name));
    const files = await execAny(['grep', '-rlF', '--', text, ...places, this.run]);
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/u.test(name));
    const lines = await Promise.all(pids.map(async (pid) => [pid, await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')] as const));
    const processes = lines.filter(([, line]) => line.includes(text) && !line.startsWith('grep')).map(([pid]) => `process ${pid}`);
    return [...files.stdout.split('\n').filter(Boolean), ...processes];
  }

  /** Permissions of files below the state directory, in octal. */
  async modes(paths: readonly string[]): Promise<string[]> {
    const result = await execAny(['stat', '-c', '%a', '--', ...paths.map((path) => join(this.state, path))]);
    return result.stdout.trim().split('\n');
  }

  /** Ends everything and says what is left of it, which must be nothing. */
  async stop(): Promise<string[]> {
    await this.#tellOfRefusals();
    const result = await this.cli(['down']);
    const left = await this.leftovers();
    if (result.code !== 0) left.push(`down failed: ${result.stderr}`);
    await rm(this.dir, { recursive: true, force: true });
    return left;
  }

  /** Some tests want visitors to be turned away. Where one did not, the report says why it was. */
  async #tellOfRefusals(): Promise<void> {
    const events = await this.events().catch(() => []); // no daemon runs
    for (const { site, cause, facts } of events.filter(({ type }) => type === 'visitor.refused')) {
      console.log(`turned away from ${site}: ${String(facts?.['code'])}, ${cause}`);
    }
  }

  /** Processes, cgroups and mounts of this platform. */
  async leftovers(): Promise<string[]> {
    return [
      ...(await this.processes()),
      ...(await this.cgroups()),
      ...(await this.parentCgroups()),
      ...(await this.mounts()),
      ...(await this.devices()).map((device) => `device ${device}`),
      ...(await this.tables()),
    ];
  }

  /** nftables table of its containers with a network. */
  get table(): string {
    return `subako_${platformDigest(this.state)}`;
  }

  /** A program of its toolbox, once it was up. */
  async tool(name: string): Promise<string | undefined> {
    const toolbox = join(this.state, 'toolbox');
    const key = (await readdir(toolbox).catch(() => [])).find((one) => one.startsWith('toolbox-'));
    return key === undefined ? undefined : join(toolbox, key, 'bin', name);
  }

  /** The table, if the kernel has it. */
  private async tables(): Promise<string[]> {
    const nft = await this.tool('nft');
    if (nft === undefined) return []; // it was never up
    const { stdout } = await execAny([nft, 'list', 'tables', 'inet']);
    return stdout.split('\n').filter((line) => line.includes(this.table));
  }

  /** This machine’s ends of the links to its containers. */
  async devices(): Promise<string[]> {
    return (await readdir('/sys/class/net')).filter((device) => device.startsWith(`sb${platformDigest(this.state)}-`));
  }

  /** Containers that have a cgroup, in whichever tree. */
  async cgroups(): Promise<string[]> {
    const trees = ['/sys/fs/cgroup', ...(await readdir('/sys/fs/cgroup')).map((name) => join('/sys/fs/cgroup', name))];
    const entries = await Promise.all(trees.map((tree) => readdir(join(tree, this.cgroup), { withFileTypes: true }).catch(() => [])));
    const names = entries.flat().filter((entry) => entry.isDirectory());
    return [...new Set(names.map((entry) => `cgroup ${entry.name}`))];
  }

  private async parentCgroups(): Promise<string[]> {
    const found = await execAny(['find', '/sys/fs/cgroup', '-maxdepth', '2', '-name', this.cgroup.slice(1)]);
    return found.stdout.split('\n').filter(Boolean);
  }

  async mounts(): Promise<string[]> {
    const table = await readFile('/proc/self/mountinfo', 'utf8');
    return table
      .split('\n')
      .filter((line) => line.includes(this.dir))
      .map((line) => `mount ${line}`);
  }

  async processes(): Promise<string[]> {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/u.test(name) && Number(name) !== process.pid);
    const lines = await Promise.all(
      pids.map(async (pid) => `process ${pid}: ${(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')}`),
    );
    return lines.filter((line) => line.includes(this.dir));
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** All that is answered to these very bytes until the connection ends, however it ends. */
export async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.write(Buffer.from(bytes, 'latin1'));
  let answer = '';
  socket.on('data', (chunk) => (answer += String(chunk)));
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}

/** The status of the first answer. */
export async function rawStatus(port: number, bytes: string): Promise<number> {
  return Number(/^HTTP\/1\.[01] (\d{3})/u.exec(await raw(port, bytes))?.[1]);
}

export function cacheEnvironment(): Record<string, string> {
  const cache = process.env['SUBAKO_CACHE'];
  return cache === undefined ? {} : { SUBAKO_CACHE: cache };
}

async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, '0.0.0.0');
    await once(server, 'listening');
    const address = server.address();
    ports.push(typeof address === 'object' && address !== null ? address.port : 0);
  }
  for (const server of servers) server.close();
  return [ports[0] ?? 0, ports[1] ?? 0];
}
