/** Containers of images on a real platform: one for all tests, asked over its API, and by the command line where that is what it is about. */
import { lstat, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerReply, ContainerRow, NetworkReply, StatsRow, WaitReply } from '../../src/api/container-types.ts';
import type { ContainerRequest } from '../../src/domain/container-request.ts';
import { poll } from '../../src/lib/deadline.ts';
import { execAny } from '../../src/lib/exec.ts';
import type { ExecResult } from '../../src/lib/exec.ts';
import { importBusybox } from '../helpers/busybox.ts';
import { TestPlatform } from '../helpers/platform.ts';
import { chosen, WHOLE } from '../reliability/whole.ts';

const WITHIN = { timeoutMs: 60_000, everyMs: 50 } as const;
let platform: TestPlatform;
let allowed: string;

beforeAll(async () => {
  platform = await TestPlatform.create();
  allowed = join(platform.dir, 'allowed');
  await mkdir(join(allowed, 'data'), { recursive: true });
  await platform.configure({ checkpoints: false, volumeRoots: [allowed] });
  await platform.up();
  await importBusybox(platform.api, platform.dir);
});

afterAll(async () => {
  expect(await platform.stop()).toEqual([]);
});

const run = (...args: readonly string[]): Promise<ExecResult> => platform.cli(['run', '--rm', '--network', 'none', ...args]);
const start = (request: Omit<ContainerRequest, 'image'>): Promise<ContainerReply> =>
  platform.api.work('/v1/containers/run', { image: 'busybox', ...(request.networks === undefined ? { network: 'none' } : {}), ...request }, () => undefined);
const get = (name: string): Promise<ContainerReply> => platform.api.get(`/v1/containers/${name}`);
const remove = (name: string): Promise<unknown> => platform.api.delete(`/v1/containers/${name}?force=1&volumes=1`);
const post = (name: string, what: string, body: unknown = {}): Promise<ContainerReply> => platform.api.post(`/v1/containers/${name}/${what}`, body);
const sh = (script: string): { command: readonly string[] } => ({ command: ['sh', '-c', script] });
const logs = (name: string): Promise<string> => platform.api.text(`/v1/containers/${name}/logs`);
const all = (): Promise<ContainerRow[]> => platform.api.get('/v1/containers?all=1');

/** Beginning of a Python program that runs its arguments in a terminal, and says what it is told to. */
const TALK = `
import os, pty, sys, time, fcntl, termios, struct, select
pid, fd = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
def size(rows, columns): fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
said = b''
# Says it at once, and again every two seconds: on a busy machine nobody may listen yet.
def until(text, ask=b''):
    global said
    end, again = time.time() + 60, 0
    while text not in said:
        if ask and time.time() > again: os.write(fd, ask); again = time.time() + 2
        if time.time() > end: sys.exit('no ' + repr(text) + ' in ' + repr(said))
        if not select.select([fd], [], [], 0.1)[0]: continue
        try: said += os.read(fd, 4096)
        except OSError: break
    said = b''`;

/** Nothing of any container but what is listed. */
async function leftNothing(): Promise<void> {
  expect(await all()).toEqual([]);
  expect(await readdir(join(platform.state, 'containers'))).toEqual([]);
  expect(await readdir(join(platform.run, 'rootfs')).catch(() => [])).toEqual([]);
  expect(await platform.devices()).toEqual([]);
}

describe('a container in the foreground', () => {
  it('has the streams and the exit code of the command, and leaves nothing', async () => {
    const result = await platform.cli(['run', '--rm', '--network', 'none', '-i', 'busybox', 'sh', '-c', 'cat; echo oops >&2; exit 7'], 'given');
    expect(result).toMatchObject({ code: 7, stdout: 'given', stderr: 'oops\n' });
    await leftNothing();
  });

  it('is given to nobody else: neither the machine’s /dev/null nor a file that it writes to changes hands', async () => {
    const before = await lstat('/dev/null');
    expect((await run('busybox', 'sh', '-c', 'echo again >/dev/stdout')).stdout).toBe('again\n');
    expect(await lstat('/dev/null')).toMatchObject({ uid: before.uid, gid: before.gid, mode: before.mode });
  });

  it.each([
    ['nosuch', 127, 'not found'],
    ['/no/such', 127, 'not found'],
    ['/etc/passwd', 126, 'not executable'],
  ])('that does not begin, as %s, says so as docker does: %i', async (command, code, words) => {
    const said = { code, stderr: expect.stringContaining(words) as string };
    expect(await run('busybox', command)).toMatchObject(said);
    expect(await run('-d', 'busybox', command)).toMatchObject(said);
    await leftNothing();
    // What it says itself is no such thing.
    expect(await run('busybox', 'sh', '-c', 'echo "executable file x not found" >&2; exit 1')).toMatchObject({ code: 1 });
  });

  it('can be read again in its logs', async () => {
    const script = 'echo out; echo oops >&2; printf unended';
    const result = await platform.cli(['run', '--name', 'spoken', '--network', 'none', 'busybox', 'sh', '-c', script]);
    expect(result).toMatchObject({ code: 0, stdout: 'out\nunended', stderr: 'oops\n' });
    for (const text of ['out\n', 'oops\n', 'unended']) expect(await logs('spoken')).toContain(text);
    await remove('spoken');
  });

  it('runs as whom, where and with what it was told', async () => {
    const file = join(platform.dir, 'env');
    await writeFile(file, '# a note\nFROM_FILE=a b\n\nEMPTY=\n');
    const options = ['-u', 'app', '-w', '/home/app', '-e', 'A=b=c', '--env-file', file, '--hostname', 'box', '--tmpfs', '/cache:size=1m', '--read-only'];
    const script = 'id; pwd; hostname; echo $A; echo $FROM_FILE; echo $HOME; touch /new; echo kept >/cache/f && cat /cache/f; cat /proc/self/status';
    const { stdout, stderr } = await run(...options, 'busybox', 'sh', '-c', script);
    expect(stdout).toContain('uid=1000(app) gid=1000(app) groups=2000(extra)\n/home/app\nbox\nb=c\na b\n/home/app\nkept\n');
    expect(stderr).toContain('Read-only file system');
    expect(stdout).toMatch(/^CapEff:\s+0+$/mu);
    expect(stdout).toMatch(/^NoNewPrivs:\s+1$/mu);
  });

  it('may do less, and has limits, settings and groups as it is asked for', async () => {
    const script =
      'grep -E "^Cap(Eff|Bnd)" /proc/self/status; ulimit -n; ulimit -Hn; cat /proc/sys/net/core/somaxconn /proc/sys/kernel/shmmni; id -G; chown 5 /tmp || echo no';
    const options = [
      '--ulimit',
      'nofile=100:200',
      '--sysctl',
      'net.core.somaxconn=77',
      '--sysctl',
      'kernel.shmmni=99',
      '--group-add',
      'extra',
      '--group-add',
      '7',
    ];
    const said = async (...more: string[]): Promise<string[]> => (await run(...options, ...more, 'busybox', 'sh', '-c', script)).stdout.trim().split('\n');
    const common = ['100', '200', '77', '99', '0 7 2000'];
    expect(await said('--cap-drop', 'ALL')).toEqual(['CapEff:\t0000000000000000', 'CapBnd:\t0000000000000000', ...common, 'no']);
    expect(await said('--cap-drop', 'ALL', '--cap-add', 'CHOWN')).toEqual(['CapEff:\t0000000000000001', 'CapBnd:\t0000000000000001', ...common]);
    // So do a health check and whoever goes in.
    await start({ name: 'less', ...sh('sleep 1000'), capDrop: ['ALL'], groups: ['7'], stopSignal: 'KILL' });
    const inside = await platform.cli(['exec', 'less', '--', 'sh', '-c', 'grep -E "^Cap(Eff|Bnd)" /proc/self/status; id -G']);
    expect(inside.stdout.trim().split('\n')).toEqual(['CapEff:\t0000000000000000', 'CapBnd:\t0000000000000000', '0 7']);
    await remove('less');
    expect(await run('--ulimit', 'nofile=999999999', 'busybox', 'true')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('this machine allows no more than') as string,
    });
    await leftNothing();
  });

  it('has its id in a file, which it never takes from another', async () => {
    const file = join(platform.dir, 'cid');
    expect((await run('--cidfile', file, '--name', 'told', 'busybox', 'true')).code).toBe(0);
    expect(await readFile(file, 'utf8')).toMatch(/^[0-9a-f]{12}$/u);
    expect(await run('--cidfile', file, 'busybox', 'true')).toMatchObject({ code: 1, stderr: expect.stringContaining('is there already') as string });
    await leftNothing();
  });

  it('reaches the machine’s resolver address alone, by a link of its own', async () => {
    const { stdout } = await platform.cli(['run', '--rm', 'busybox', 'cat', '/etc/resolv.conf', '/proc/net/dev']);
    expect(stdout).toContain('nameserver 169.254.1.1');
    expect(stdout).toContain('eth0:');
    await leftNothing();
  });

  it('gets signals, and ends with them', async () => {
    const script = 'trap "echo got it; exit 9" TERM; echo ready; while :; do sleep 0.1; done';
    const running = run('--name', 'signalled', 'busybox', 'sh', '-c', script);
    expect(
      await poll(
        () =>
          get('signalled').then(
            ({ pid }) => pid ?? undefined,
            () => undefined,
          ),
        WITHIN,
      ),
    ).toBeDefined();
    await poll(async () => (await post('signalled', 'kill', { signal: 'TERM' }).catch(() => undefined)) === undefined, { timeoutMs: 20_000, everyMs: 300 });
    expect(await running).toMatchObject({ code: 9, stdout: 'ready\ngot it\n' });
  });

  it('has a terminal that is the person’s: its size, Ctrl-C, and the exit code', async () => {
    const script = `${TALK}
size(33, 101)
until(b'# ')
os.write(fd, b'stty size; echo first-done\\n'); until(b'first-done\\r')
size(44, 111); time.sleep(0.5)
os.write(fd, b'stty size\\n'); until(b'44 111')
os.write(fd, b'sleep 1000\\n'); time.sleep(0.5)
os.write(fd, b'\\x03'); until(b'# ')
os.write(fd, b'exit 42\\n')
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;
    const cli = join(import.meta.dirname, '../../subako');
    const argv = [
      'python3',
      '-c',
      script,
      cli,
      '--state',
      platform.state,
      '--run',
      platform.run,
      'run',
      '--name',
      'seen',
      '-it',
      '--network',
      'none',
      'busybox',
      'sh',
    ];
    expect(await execAny(argv, { timeoutMs: 120_000, env: { TERM: 'xterm', HOME: '/root' } })).toMatchObject({ code: 42, stderr: '' });
    expect(await logs('seen')).toContain('first-done');
    await remove('seen');
    await leftNothing();
  });

  it('ends with its command line, however that ends', async () => {
    const running = run('--name', 'orphan', 'busybox', 'sleep', '1000');
    const found = await poll(
      () =>
        get('orphan').then(
          (one) => (one.pid === null ? undefined : one),
          () => undefined,
        ),
      WITHIN,
    );
    const lines = await Promise.all(
      (await readdir('/proc'))
        .filter((pid) => /^\d+$/u.test(pid))
        .map(async (pid) => [pid, await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')] as const),
    );
    const [cli] = lines.find(([, line]) => line.includes('subako.ts\0run\0') && line.includes('orphan')) ?? [];
    process.kill(Number(cli), 'SIGKILL');
    await running;
    expect(await poll(async () => (await all()).length === 0, WITHIN), `left with pid ${found?.pid}`).toBe(true);
    await leftNothing();
  });

  it('that is started again is in the background, and goes on without its command line', async () => {
    const script = 'test -e /root/seen || exec touch /root/seen; sleep 1000';
    expect(await platform.cli(['run', '--name', 'again', '--network', 'none', 'busybox', 'sh', '-c', script])).toMatchObject({ code: 0 });
    await platform.api.work('/v1/containers/again/start', {}, () => undefined);
    const { pid } = await get('again');
    await sleep(3_500); // the daemon looks once a second, and ends what was dead twice
    expect(await get('again')).toMatchObject({ state: 'running', pid });
    await remove('again');
    await leftNothing();
  });
});

describe('a detached container', () => {
  it('goes on by itself, is looked at from all sides, and ends as asked', async () => {
    const { name, id } = await start({ name: 'worker', ...sh('trap "exit 3" TERM; echo out; echo err >&2; while :; do sleep 0.1; done') });
    expect(await poll(async () => (await logs(name)).includes('err'), WITHIN)).toBe(true);
    expect(await logs(id)).toBe('out\nerr\n');
    expect(await platform.api.text(`/v1/containers/${id.slice(0, 6)}/logs?times=1&lines=1`)).toMatch(/^\d{4}-\d\d-\d\dT\S+ err\n$/u);
    expect((await platform.cli(['exec', '-e', 'A=secret', '-u', 'app', 'worker', 'sh', '-c', 'id -u; echo $A; exit 4'])).stdout).toBe('1000\nsecret\n');
    expect((await platform.cli(['exec', 'worker', 'sh', '-c', 'exit 4'])).code).toBe(4);
    for (const [command, code] of [
      ['nosuch', 127],
      ['/etc/passwd', 126],
    ] as const)
      for (const as of [[], ['-u', 'app']]) expect(await platform.cli(['exec', ...as, 'worker', command])).toMatchObject({ code });
    const files = (): Promise<string[]> => readdir(join(platform.run, 'runtime', 'bundles', 'crun', id));
    expect(await poll(async () => !(await files()).some((file) => file.startsWith('exec-')), WITHIN)).toBe(true);
    expect((await platform.cli(['ps'])).stdout).toMatch(/worker .* running/u);
    expect(await platform.api.get<StatsRow[]>('/v1/containers/stats')).toMatchObject([{ container: 'worker', processes: expect.any(Number) as number }]);
    expect((await platform.cli(['top', 'worker'])).stdout).toContain('trap');
    const ended = platform.api.get<WaitReply>('/v1/containers/worker/wait');
    expect(await post('worker', 'stop')).toMatchObject({ state: 'exited', exitCode: 3, pid: null });
    expect(await ended).toEqual({ exitCode: 3 });
    expect(await platform.api.work<ContainerReply>('/v1/containers/worker/start', {}, () => undefined)).toMatchObject({ state: 'running' });
    await expect(platform.api.delete('/v1/containers/worker')).rejects.toMatchObject({ code: 'conflict' });
    await remove('worker');
    await leftNothing();
  });

  it('keeps what it changed until it is removed', async () => {
    const before = await lstat('/dev/null');
    await start({ name: 'kept', ...sh('echo more >>/root/file; cat /root/file') });
    await platform.api.get('/v1/containers/kept/wait');
    await platform.api.work('/v1/containers/kept/start', {}, () => undefined);
    await platform.api.get('/v1/containers/kept/wait');
    expect(await logs('kept')).toBe('more\nmore\nmore\n');
    expect(await lstat('/dev/null')).toMatchObject({ uid: before.uid, gid: before.gid });
    await remove('kept');
  });

  it('is attached to, left, and attached to again: its terminal is ours meanwhile', async () => {
    await start({ name: 'shell', tty: true, interactive: true, command: ['sh'] });
    const cli = join(import.meta.dirname, '../../subako');
    const talk = (script: string): Promise<ExecResult> =>
      execAny(['python3', '-c', `${TALK}\n${script}\nsys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`, cli, 'attach', 'shell'], {
        timeoutMs: 120_000,
        env: { TERM: 'xterm', HOME: '/root', SUBAKO_STATE: platform.state, SUBAKO_RUN: platform.run },
      });
    const first = String.raw`size(33, 101); until(b'33 101\r\nfirst-done\r', b'stty size; A=kept; echo first-done\n'); os.write(fd, b'\x10'); os.write(fd, b'\x11')`;
    expect(await talk(first)).toMatchObject({ code: 0, stderr: '' });
    expect((await get('shell')).state).toBe('running');
    const second = String.raw`time.sleep(1); size(44, 111); until(b'44 111\r\nkept-', b'stty size; echo $A-\n'); os.write(fd, b'sleep 1000\n'); time.sleep(0.5); os.write(fd, b'\x03'); until(b'# '); os.write(fd, b'exit 6\n')`;
    expect(await talk(second)).toMatchObject({ code: 6, stderr: '' });
    expect(await logs('shell')).toContain('first-done');
    await remove('shell');
  });

  it('is attached to without a terminal: input, output and errors, signals and exit code', async () => {
    await start({ name: 'reader', interactive: true, ...sh('read -r line; echo "got $line"; echo oops >&2; read -r line; exit 4') });
    const attached = await platform.cli(['attach', 'reader'], 'one\ntwo\n');
    expect(attached).toMatchObject({ code: 4, stdout: 'got one\n', stderr: 'oops\n' });
    await remove('reader');
    expect(await platform.cli(['attach', 'reader'])).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no container') as string });
    await start({ name: 'deaf', ...sh('i=0; while [ $i -lt 30 ]; do echo tick; sleep 0.1; i=$((i + 1)); done; echo bye; exit 8') });
    expect(await platform.cli(['attach', 'deaf'])).toMatchObject({ code: 8, stdout: expect.stringMatching(/tick\nbye\n$/u) as string });
    await remove('deaf');
  });

  it('is paused and goes on', async () => {
    await start({ name: 'paused', ...sh('sleep 1000') });
    expect(await post('paused', 'pause')).toMatchObject({ state: 'paused' });
    expect((await platform.cli(['exec', 'paused', 'true'])).stderr).toContain('subako unpause paused');
    expect(await post('paused', 'unpause')).toMatchObject({ state: 'running' });
    await post('paused', 'pause');
    expect(await post('paused', 'stop', { time: 0 })).toMatchObject({ state: 'exited', exitCode: 137 });
    await remove('paused');
  });

  it('publishes a port, for this machine and by its address, and nobody else has it meanwhile', async () => {
    const port = platform.http + 10_000 > 65_000 ? platform.http - 10_000 : platform.http + 10_000;
    await start({ name: 'web', network: 'default', publish: [`${port}:80`], ...sh('mkdir /www; echo page >/www/index.html; exec httpd -f -p 80 -h /www') });
    const page = (host: string): Promise<string> => fetch(`http://${host}:${port}/`).then((response) => response.text());
    expect(await poll(() => page('127.0.0.1').catch(() => undefined), WITHIN)).toBe('page\n');
    await expect(start({ name: 'second', network: 'default', publish: [`${port}:80`], command: ['true'] })).rejects.toMatchObject({
      code: 'port_taken',
      message: expect.stringContaining('web') as string,
    });
    expect((await platform.cli(['port', 'web'])).stdout).toContain(`80/tcp -> 0.0.0.0:${port}`);
    await platform.killDaemon();
    expect(await page('127.0.0.1')).toBe('page\n');
    await platform.up();
    expect(await get('web')).toMatchObject({ state: 'running' });
    expect(await page('127.0.0.1')).toBe('page\n');
    await remove('web');
    await expect(page('127.0.0.1')).rejects.toThrow('fetch failed');
    await leftNothing();
  });

  it('asks for names as it is told', async () => {
    const flags = ['--dns', '192.0.2.53', '--dns-search', 'corp.example', '--dns-option', 'ndots:2', '--add-host', 'db=[2001:db8::7]'];
    const { stdout } = await platform.cli(['run', '--rm', ...flags, 'busybox', 'cat', '/etc/resolv.conf', '/etc/hosts']);
    expect(stdout).toContain('nameserver 192.0.2.53\nsearch corp.example\noptions ndots:2\n');
    expect(stdout).toContain('\n2001:db8::7\tdb\n');
    const searching = await platform.cli(['run', '--rm', '--dns-search', 'corp.example', 'busybox', 'cat', '/etc/resolv.conf']);
    expect(searching.stdout).toBe('nameserver 169.254.1.1\nsearch corp.example\n');
  });

  it('publishes all that is named, and ranges, each port where it is told', async () => {
    const first = platform.http > 60_000 ? 20_000 : platform.http + 2_000;
    const serve = 'mkdir /www; echo page >/www/index.html; httpd -p 81 -h /www; exec httpd -f -p 80 -h /www';
    const publish = [`${first}-${first + 1}:80-81`];
    const { ports } = await start({ name: 'wide', network: 'default', publish, expose: ['81', '7/udp'], publishAll: true, ...sh(serve) });
    expect(ports).toEqual([`80/tcp -> 0.0.0.0:${first}`, `81/tcp -> 0.0.0.0:${first + 1}`, expect.stringMatching(/^7\/udp -> 0\.0\.0\.0:\d{5}$/u)]);
    const page = (port: number): Promise<string | undefined> =>
      fetch(`http://127.0.0.1:${port}/`).then(
        (reply) => reply.text(),
        () => undefined,
      );
    for (const port of [first, first + 1]) expect(await poll(() => page(port), WITHIN)).toBe('page\n');
    await remove('wide');
  });

  it('is started again as its policy says, with longer and longer waits', async () => {
    await start({ name: 'failing', restart: 'on-failure:2', ...sh('exit 5') });
    expect(await poll(async () => (await get('failing')).restarts === 2 && (await get('failing')).state === 'exited', WITHIN)).toBe(true);
    await start({ name: 'well', restart: 'on-failure', ...sh('exit 0') });
    expect(await poll(async () => (await get('well')).state === 'exited', WITHIN)).toBe(true);
    expect(await get('well')).toMatchObject({ restarts: 0, exitCode: 0 });
    await start({ name: 'always', restart: 'unless-stopped', ...sh('sleep 1000') });
    await post('always', 'kill', { signal: 'KILL' });
    await post('always', 'stop');
    expect(await get('always')).toMatchObject({ state: 'exited' });
    for (const name of ['failing', 'well', 'always']) await remove(name);
  });

  it('is asked whether it is well', async () => {
    await start({ name: 'patient', healthCmd: 'test -e /root/well', healthInterval: '100ms', healthRetries: 2, ...sh('sleep 1000') });
    const becomes = (status: string): Promise<unknown> => poll(async () => (await get('patient')).health?.status === status, WITHIN);
    expect(await becomes('unhealthy')).toBe(true);
    await platform.cli(['exec', 'patient', 'touch', '/root/well']);
    expect(await becomes('healthy')).toBe(true);
    await remove('patient');
  });

  it('keeps nothing of a check that takes too long, and all that it started itself meanwhile', async () => {
    const healthCmd = 'test -e /root/asked && exit 1; touch /root/asked; sleep 1001; true';
    const script = 'until test -e /root/asked; do sleep 0.1; done; sleep 1002 & (setsid sleep 1003 &); while :; do sleep 1; done';
    await start({ name: 'hanging', healthCmd, healthInterval: '100ms', healthTimeout: '1s', healthRetries: 2, ...sh(script) });
    expect(await poll(async () => (await get('hanging')).health?.status === 'unhealthy', WITHIN)).toBe(true);
    const { stdout } = await platform.cli(['top', 'hanging']);
    expect(['sleep 1001', 'sleep 1002', 'sleep 1003'].map((command) => stdout.includes(`  ${command}\n`))).toEqual([false, true, true]);
    await remove('hanging');
  });

  it('ends when it is out of memory, and that is told', async () => {
    await start({ name: 'hungry', memory: '16m', ...sh('x=x; while :; do x=$x$x; done') });
    await platform.api.get('/v1/containers/hungry/wait');
    expect(await get('hungry')).toMatchObject({ outOfMemory: true, exitCode: 137 });
    await remove('hungry');
  });

  it('gives files out and takes them in, and no link in it leads to the machine’s', async () => {
    await start({ name: 'files', ...sh('sleep 1000') });
    const [here, there] = [join(platform.dir, 'in'), join(platform.dir, 'out')];
    await writeFile(here, 'from here');
    expect(await platform.cli(['cp', here, 'files:/root/named'])).toMatchObject({ code: 0 });
    expect((await platform.cli(['exec', 'files', 'cat', '/root/named'])).stdout).toBe('from here');
    expect(await platform.cli(['cp', 'files:/root/named', there])).toMatchObject({ code: 0 });
    expect(await readFile(there, 'utf8')).toBe('from here');
    await post('files', 'stop', { time: 0 });
    expect(await platform.cli(['cp', 'files:/srv/climbing/passwd', join(platform.dir, 'passwd')])).toMatchObject({ code: 0 });
    expect(await readFile(join(platform.dir, 'passwd'), 'utf8')).toContain('app:x:1000');
    await remove('files');
    await leftNothing();
  });
});

describe('containers in a network of one’s own', () => {
  const network = (name: string): Promise<NetworkReply> => platform.api.get(`/v1/networks/${name}`);
  const serve = 'mkdir -p /www; hostname >/www/index.html; exec httpd -f -p 8123 -h /www';
  const page = async (from: string, host: string): Promise<string> =>
    (await platform.cli(['exec', from, 'wget', '-q', '-O', '-', `http://${host}:8123/`])).stdout;
  const untilPage = (from: string, host: string): Promise<unknown> => poll(async () => (await page(from, host)) !== '', WITHIN);
  const create = (...args: string[]): Promise<ExecResult> => platform.cli(['network', 'create', ...args]);

  beforeAll(async () => {
    await create('shop', '--ipv6');
    await create('vault', '--internal');
  });

  it('find one another by name, from their first moment on, and nobody else does', async () => {
    await start({ name: 'db', hostname: 'base', networks: [{ name: 'shop', aliases: ['database'] }], ...sh(serve) });
    await start({ name: 'elsewhere', network: 'vault', ...sh(serve) });
    const first = await platform.cli(['run', '--rm', '--network', 'shop', 'busybox', 'sh', '-c', 'cat /etc/hosts; wget -q -O - http://database:8123/']);
    expect(first.stdout).toMatch(/^10\.\d+\.\d+\.2\tdb database [\da-f]{12}$/mu);
    expect(first.stdout).toMatch(/^fd5b:.*:2\tdb database/mu);
    expect(first.stdout).toMatch(/\nbase\n$/u);
    await start({
      name: 'app',
      networks: [
        { name: 'shop', aliases: [] },
        { name: 'vault', aliases: [] },
      ],
      ...sh(serve),
    });
    for (const host of ['db', 'database', 'elsewhere', 'app']) expect([host, await untilPage('app', host)]).toEqual([host, true]);
    const address6 = (await network('shop')).members[0]?.address6 ?? '';
    expect(await page('app', `[${address6}]`)).toBe('base\n');
    expect(await page('db', 'app')).not.toBe('');
    const hidden = (await network('vault')).members[0]?.address ?? '';
    expect(await page('app', hidden)).not.toBe('');
    for (const host of ['elsewhere', hidden]) expect(await page('db', host)).toBe('');
    expect((await get('elsewhere')).address).toBeNull();
    expect((await platform.cli(['exec', 'elsewhere', 'cat', '/etc/resolv.conf'])).stdout).toBe('');
  });

  it('are as they were when a daemon comes that did not know them, and know who went meanwhile', async () => {
    const { pid } = await get('elsewhere');
    await platform.killDaemon();
    process.kill(pid ?? 0, 'SIGKILL');
    await platform.up();
    expect(await page('app', 'db')).toBe('base\n');
    expect((await network('vault')).members.map(({ container }) => container)).toEqual(['app']);
    expect((await platform.cli(['exec', 'app', 'cat', '/etc/hosts'])).stdout).not.toContain('elsewhere');
    await remove('elsewhere');
  });

  it('are put into one and taken out while they run', async () => {
    await start({ name: 'late', network: 'default', ...sh('sleep 1000') });
    expect(await platform.cli(['network', 'connect', '--alias', 'newcomer', 'shop', 'late'])).toMatchObject({ code: 0 });
    expect(await page('late', 'db')).toBe('base\n');
    expect((await platform.cli(['exec', 'db', 'cat', '/etc/hosts'])).stdout).toMatch(/\tlate newcomer [\da-f]{12}\n/u);
    expect((await get('late')).networks).toMatchObject([{ network: 'shop' }]);
    expect(await platform.cli(['network', 'connect', 'shop', 'late'])).toMatchObject({ code: 1, stderr: expect.stringContaining('already') as string });
    expect(await platform.cli(['network', 'disconnect', 'shop', 'late'])).toMatchObject({ code: 0 });
    expect(await page('late', 'db')).toBe('');
    await remove('late');
  });

  it('keep it from being removed; it goes with nobody in it', async () => {
    expect(await platform.cli(['network', 'rm', 'shop'])).toMatchObject({ code: 1, stderr: expect.stringContaining('db, app') as string });
    expect((await platform.cli(['network', 'ls'])).stdout).toMatch(/vault .* no .* 1 /u);
    for (const name of ['db', 'app']) await remove(name);
    expect((await network('shop')).members).toEqual([]);
    expect((await platform.mounts()).filter((mount) => mount.includes('/networks/'))).toEqual([]);
    await create('never-used');
    expect(await platform.json('network', 'prune')).toEqual({ removed: ['never-used', 'shop', 'vault'] });
    await leftNothing();
  });

  it.each([
    [['--network', 'no-such'], 'there is no network no-such'],
    [['--network', 'host'], 'the machine’s own network'],
    [['--network', 'a', '--network', 'a'], 'named twice'],
    [['--network', 'a', '--network', 'none'], 'do not go together'],
    [['--network', 'name=a,alias=b c'], 'no alias'],
    [['--network', 'a', '--network-alias', 'localhost'], 'no alias'],
    [['--network', 'a', '--network-alias', '10.0.0.1'], 'no alias'],
    [['--network-alias', 'b', '--network', 'default'], 'nobody asks for an alias'],
    [['--add-host', 'db:not-an-address'], 'no host and its address'],
    [['--dns', 'one.one'], 'no address of a resolver'],
    [['--dns-option', 'ndots:2 rotate'], 'no option'],
  ])('are refused in words: %j', async (options, words) => {
    expect(await platform.cli(['run', '--rm', ...options, 'busybox', 'true'])).toMatchObject({ stderr: expect.stringContaining(words) as string });
    await leftNothing();
  });
});

describe('volumes', () => {
  it('outlive containers, whatever ids those have, and begin as what the image has there', async () => {
    expect(
      (await run('-v', 'data:/srv/seeded', 'busybox', 'sh', '-c', 'cat /srv/seeded/file; stat -c %u /srv/seeded/file; echo mine >/srv/seeded/new')).stdout,
    ).toBe('of the image1000\n');
    expect((await run('-v', 'data:/mnt:ro', 'busybox', 'sh', '-c', 'cat /mnt/new; stat -c %u /mnt/new; touch /mnt/x')).stdout).toBe('mine\n0\n');
    expect(await platform.cli(['volume', 'rm', 'data'])).toMatchObject({ code: 0 });
    await run('-v', '/unnamed', 'busybox', 'true');
    expect(await readdir(join(platform.state, 'volumes'))).toEqual([]);
  });

  it('are not made for a container that is refused', async () => {
    await start({ name: 'taken', ...sh('sleep 1000') });
    const refused = { code: 1, stderr: expect.stringContaining('there is a container taken already') as string };
    for (const volume of ['/unnamed', 'fresh:/srv']) expect(await run('--name', 'taken', '-v', volume, 'busybox', 'true')).toMatchObject(refused);
    expect([await platform.api.get('/v1/volumes'), await readdir(join(platform.state, 'volumes'))]).toEqual([[], []]);
    await remove('taken');
  });

  it('may be directories of the machine where its operator says so, and nowhere else', async () => {
    await writeFile(join(allowed, 'data', 'file'), 'the machine’s');
    await symlink('/etc', join(allowed, 'data', 'link'));
    expect((await run('-v', `${allowed}/data:/mnt:ro`, 'busybox', 'cat', '/mnt/file')).stdout).toBe('the machine’s');
    for (const directory of ['/etc', '/', `${allowed}/data/link`, `${allowed}/../state`, platform.state]) {
      expect(await run('-v', `${directory}:/mnt`, 'busybox', 'true')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('may not be mounted') as string,
      });
    }
    // Not by what an image calls its volume, either: nobody asked for that directory.
    const context = join(platform.dir, 'context');
    await mkdir(context);
    await writeFile(join(context, 'Dockerfile'), `FROM busybox\nVOLUME ["${allowed}/data:/mnt"]\n`);
    await platform.api.work('/v1/images/build', { dir: context, tags: ['greedy'], args: [], noCache: false, network: 'none' }, () => undefined);
    expect(await run('greedy', 'cat', '/mnt/file')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('nothing can be mounted') as string });
    await leftNothing();
  });
});

describe('containers of strangers', () => {
  it.each([
    [['--name', 'a]:b'], 'no name for a container'],
    [['--name', 'a\nb'], 'no name for a container'],
    [['-e', 'A\nB=1'], 'no name of a variable'],
    [['-p', '1:2:3:4'], 'which port'],
    [['-p', '70000:80'], 'which port'],
    [['-v', 'x:/proc'], 'nothing can be mounted'],
    [['-v', 'x:relative'], 'nothing can be mounted'],
    [['-v', '../x:/y'], 'may not be mounted'],
    [['-v', '.x:/y'], 'no name for a volume'],
    [['-v', 'a:/same', '-v', 'b:/same'], 'two things'],
    [['--restart', 'always'], 'do not go together'],
    [['-u', 'nobody-here'], 'has no user'],
    [['--memory', '1'], 'at least'],
    [['--stop-signal', 'NONE'], 'no signal'],
  ])('are refused in words: %j', async (options, words) => {
    const result = await run(...options, 'busybox', 'true');
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining(words) as string });
    await leftNothing();
  });

  it('name a line of a file that holds no variable', async () => {
    const file = join(platform.dir, 'bad-env');
    await writeFile(file, 'A=1\nnot a name\n');
    expect(await run('--env-file', file, 'busybox', 'true')).toMatchObject({ code: 2, stderr: expect.stringContaining('line 2') as string });
  });

  it('see neither each other nor the machine, and can do nothing to it', async () => {
    await start({ name: 'neighbour', ...sh('sleep 987654') });
    const script = `cat /proc/[0-9]*/cmdline | grep -c 987654; mount -t tmpfs none /mnt 2>&1; echo 1 >/proc/sys/kernel/panic; echo x >/sys/kernel/x; dmesg; chmod 4755 /bin/busybox; id -u; cat /proc/1/uid_map; ls /sys/firmware`;
    const { stdout, stderr } = await run('-i', 'busybox', 'sh', '-c', script);
    expect(stdout).toMatch(/^0$/mu);
    expect(stdout).toMatch(/^\s+0 19\d{8}\s+65536$/mu);
    for (const words of [/panic: Read-only|panic: Permission/u, /\/sys\/kernel\/x: /u, /dmesg.*not permitted/iu]) expect(stderr).toMatch(words);
    const [one, other] = await Promise.all([get('neighbour'), start({ name: 'other', ...sh('sleep 1000') })]);
    const [first, second] = await Promise.all([one, other].map(async ({ pid }) => readFile(`/proc/${pid}/uid_map`, 'utf8')));
    expect(first).not.toBe(second);
    for (const name of ['neighbour', 'other']) await remove(name);
  });

  it.each([
    ['etc/hosts', '/file'],
    ['proc', ''],
    ['dev', ''],
    ['data', ''],
    ['data/inner', ''],
  ])('reach nothing of the machine by a link of their image at /%s, where something is mounted', async (place, to) => {
    const victim = join(platform.dir, 'victim');
    const context = join(platform.dir, 'linked');
    await mkdir(victim, { recursive: true });
    await writeFile(join(victim, 'file'), 'of the machine');
    await mkdir(dirname(join(context, 'tree', place)), { recursive: true });
    await symlink(`${victim}${to}`, join(context, 'tree', place));
    const seen = (path: string) => lstat(path).then(({ mode, uid, ino, mtimeMs }) => [mode, uid, ino, mtimeMs]);
    const before = [await seen(victim), await seen(join(victim, 'file'))];
    // Root who follows it gets there.
    expect(await readFile(join(context, 'tree', place, to === '' ? 'file' : ''), 'utf8')).toBe('of the machine');
    await writeFile(join(context, 'Dockerfile'), 'FROM busybox\nCOPY tree /\n');
    await platform.api.work('/v1/images/build', { dir: context, tags: ['linked'], args: [], noCache: true, network: 'none' }, () => undefined);
    const script = `cat /${place} /${place}/file; echo x >/${place}; echo x >/${place}/file; touch /${place}/new; chmod 4777 /${place} /${place}/file`;
    const { stdout } = await run('-v', 'linked:/data/inner', 'linked', 'sh', '-c', script);
    expect(stdout).not.toContain('of the machine');
    expect([await seen(victim), await seen(join(victim, 'file'))]).toEqual(before);
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(victim);
    for (const dir of [context, victim]) await rm(dir, { recursive: true });
    await platform.cli(['volume', 'rm', 'linked']);
    await leftNothing();
  });

  it('write nothing of the image: the next container sees it as it was', async () => {
    await run('busybox', 'sh', '-c', 'rm -rf /etc/passwd /home; echo evil >/bin/true');
    expect((await run('busybox', 'sh', '-c', 'cat /etc/passwd; true && echo fine')).stdout).toContain('app:x:1000');
  });
});

/** The next daemon dies there. */
async function failAt(place: string): Promise<void> {
  await platform.cli(['down', '--keep']);
  await platform.up(`${place}=kill`);
}

describe('a daemon that is killed', () => {
  it('leaves detached containers running, and sees afterwards how those ended that did meanwhile', async () => {
    await start({ name: 'goes-on', ...sh('sleep 1000') });
    await start({ name: 'ends', ...sh('sleep 2; exit 6') });
    const { pid } = await get('goes-on');
    await platform.killDaemon();
    await poll(
      async () =>
        (await readFile(join(platform.run, 'exits', (await readdir(join(platform.run, 'exits')).catch(() => []))[0] ?? 'none'), 'utf8').catch(() => '')) !== '',
      WITHIN,
    );
    await platform.up();
    expect(await get('goes-on')).toMatchObject({ state: 'running', pid });
    expect(await get('ends')).toMatchObject({ state: 'exited', exitCode: 6 });
    for (const name of ['goes-on', 'ends']) await remove(name);
  });

  it.each(chosen(['container.prepared', 'container.recorded', 'container.created', 'container.started']))(
    'in the middle of run, at %s, leaves nothing half made',
    async (place) => {
      await failAt(place);
      await start({ name: 'half', ...sh('sleep 1000') }).catch(() => undefined);
      await platform.up();
      const rows = await all();
      expect(rows.map(({ state }) => state)).toEqual([place === 'container.recorded' ? 'created' : 'exited']);
      expect(await platform.cgroups()).not.toContain(`cgroup ${rows[0]?.id}`);
      expect(await platform.api.work<ContainerReply>('/v1/containers/half/start', {}, () => undefined)).toMatchObject({ state: 'running' });
      await remove('half');
      await leftNothing();
    },
  );

  it.each(chosen(['container.filling', 'container.filled']))(
    'while a volume begins as what the image has, at %s, has it begin anew, whatever was in it by then',
    async (place) => {
      const seen = 'cd /srv/seeded; echo *; cat file; stat -c "%u %a" . file; readlink leading';
      const whole = (await run('-v', 'whole:/srv/seeded', 'busybox', 'sh', '-c', seen)).stdout;
      expect(whole).toContain('file leading\nof the image1000');
      await failAt(place);
      await start({ name: 'half', volumes: ['torn:/srv/seeded'], ...sh(`${seen}; sleep 1000`) }).catch(() => undefined);
      const torn = join(platform.state, 'volumes', 'torn');
      await rm(join(torn, 'file'), { force: true });
      await writeFile(join(torn, 'half'), 'of a copy that was cut short');
      await platform.up();
      await platform.api.work('/v1/containers/half/start', {}, () => undefined);
      expect(await poll(async () => (await logs('half')) === whole, WITHIN), await logs('half')).toBe(true);
      // Whole from now on: what is in it stays.
      expect((await run('-v', 'torn:/srv/seeded', 'busybox', 'sh', '-c', 'rm /srv/seeded/file')).code).toBe(0);
      expect((await run('-v', 'torn:/srv/seeded', 'busybox', 'sh', '-c', 'ls /srv/seeded')).stdout).toBe('leading\n');
      await remove('half');
      for (const volume of ['whole', 'torn']) await platform.cli(['volume', 'rm', volume]);
      expect(await readdir(join(platform.state, 'volumes'))).toEqual([]);
      await leftNothing();
    },
  );

  it.each(WHOLE ? ['network.opened', 'network.recorded', 'network.plugged'] : ['network.plugged'])(
    'while a container joins a network, at %s, leaves nothing of it there',
    async (place) => {
      await platform.api.post('/v1/networks', { name: 'torn' });
      await failAt(place);
      await start({ name: 'half', networks: [{ name: 'torn', aliases: [] }], ...sh('sleep 1000') }).catch(() => undefined);
      await platform.up();
      expect(await platform.api.get<NetworkReply>('/v1/networks/torn')).toMatchObject({ users: ['half'], members: [] });
      expect(await readdir(join(platform.run, 'networks'))).toEqual([]);
      expect((await platform.mounts()).filter((mount) => mount.includes('/networks/'))).toEqual([]);
      await platform.api.work('/v1/containers/half/start', {}, () => undefined);
      expect((await platform.api.get<NetworkReply>('/v1/networks/torn')).members).toMatchObject([{ container: 'half' }]);
      await remove('half');
      expect(await platform.json('network', 'prune')).toEqual({ removed: ['torn'] });
      await leftNothing();
    },
  );

  it('while one that runs is put into a network, or taken out, has it done afterwards', async () => {
    await platform.api.post('/v1/networks', { name: 'torn' });
    await start({ name: 'moved', network: 'default', ...sh('sleep 1000') });
    const links = async (): Promise<string> => (await platform.cli(['exec', 'moved', 'ls', '/sys/class/net'])).stdout.trim().replaceAll('\n', ' ');
    const [connected, apart] = ['eth0 eth1 lo', 'eth0 lo'];
    const selection = [
      ['network.plugged', 'connect', connected],
      ['disconnect.recorded', 'disconnect', apart],
    ] as const;
    const more = [
      ['connect.recorded', 'connect', connected],
      ['network.unplugged', 'disconnect', apart],
    ] as const;
    for (const [place, way, is] of [...selection, ...(WHOLE ? more : [])]) {
      await failAt(place);
      await platform.api.post(`/v1/networks/torn/${way}`, { container: 'moved' }).catch(() => undefined);
      await platform.killDaemon().catch(() => undefined); // the last member's link goes with the network, past no failpoint
      await platform.up();
      expect([place, await links()]).toEqual([place, is]);
      expect([place, (await get('moved')).networks.map(({ network }) => network)]).toEqual([place, way === 'connect' ? ['torn'] : []]);
    }
    await remove('moved');
    expect(await platform.json('network', 'prune')).toEqual({ removed: ['torn'] });
    await leftNothing();
  });

  it.each(chosen(['container.removing', 'container.cleared']))('in the middle of rm, at %s, has it gone afterwards', async (place) => {
    await start({ name: 'going', ...sh('sleep 1000') });
    await failAt(place);
    await remove('going').catch(() => undefined);
    await platform.up();
    await leftNothing();
  });
});
