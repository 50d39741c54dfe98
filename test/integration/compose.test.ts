/** Projects of compose files on a real platform, by the command line. */
import { mkdir, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerReply } from '../../src/api/container-types.ts';
import { poll } from '../../src/lib/deadline.ts';
import { importBusybox } from '../helpers/busybox.ts';
import { ComposeDir } from '../helpers/compose.ts';
import { TestPlatform } from '../helpers/platform.ts';

const WITHIN = { timeoutMs: 60_000, everyMs: 50 } as const;
const SITE = 'pod.localhost';
/** Ends at once when it is asked to. */
const WAIT = ['sh', '-c', 'trap "exit 0" TERM; while true; do sleep 0.1; done'];
const waiting = { image: 'busybox', command: WAIT };
const web = { image: 'busybox', command: ['sh', '-c', 'mkdir -p /w && echo hello >/w/index.html && exec httpd -f -p 8080 -h /w'], stop_signal: 'KILL' };
const site = { ...web, ports: ['8080'] };
let platform: TestPlatform;
let dir: ComposeDir;

beforeAll(async () => {
  platform = await TestPlatform.create();
  await mkdir(join(platform.dir, 'allowed', 'data'), { recursive: true });
  await platform.configure({ checkpoints: false, freezeAfter: 'never', idleTimeout: 'never', volumeRoots: [join(platform.dir, 'allowed')] });
  await platform.up();
  await importBusybox(platform.api, platform.dir);
  dir = new ComposeDir(platform);
});

afterEach(async () => {
  for (const { name } of await platform.api.get<{ name: string }[]>('/v1/projects')) await dir.cli(['compose', '-p', name, 'down', '-v']);
  expect([await dir.states(), await platform.api.get('/v1/networks'), await platform.api.get('/v1/volumes')]).toEqual([{}, [], []]);
  expect(await readdir(join(platform.state, 'projects')).catch(() => [])).toEqual([]);
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('services', () => {
  it('start in the order of their needs, find one another by name, and read what they are given', async () => {
    await dir.write('A=from-dotenv\n', '.env');
    const result = await dir.up({
      name: 'ordered',
      services: {
        last: {
          ...waiting,
          command: [
            'sh',
            '-c',
            'cat /made/by-task; wget -qO- http://web:8080/; echo $$A $$B; cat /run/secrets/word /etc/motd; trap "exit 0" TERM; while true; do sleep 0.1; done',
          ],
          environment: { A: '${A}', B: '${B:-default}' },
          depends_on: { task: { condition: 'service_completed_successfully' }, web: { condition: 'service_healthy' } },
          volumes: ['made:/made:ro'],
          secrets: ['word'],
          configs: [{ source: 'motd', target: '/etc/motd' }],
        },
        task: { image: 'busybox', command: ['sh', '-c', 'sleep 0.5; echo made >/made/by-task'], volumes: ['made:/made'] },
        web: { ...web, healthcheck: { test: ['CMD', 'wget', '-qO-', 'http://127.0.0.1:8080/'], interval: '1h' } },
      },
      volumes: { made: {} },
      secrets: { word: { environment: 'WORD' } },
      configs: { motd: { content: 'of the day\n' } },
    });
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('the variable WORD is not set') as string });
    expect((await dir.cli(['compose', 'up', '-d'], { WORD: 'hush\n' })).code).toBe(0);
    const said = await poll(async () => {
      const { stdout } = await dir.cli(['compose', '-p', 'ordered', 'logs', 'last']);
      return stdout.includes('of the day') && stdout;
    }, WITHIN);
    expect(said).toBe(['made', 'hello', 'from-dotenv default', 'hush', 'of the day', ''].map((line) => (line === '' ? '' : `last | ${line}`)).join('\n'));
    expect(await dir.states()).toEqual({ 'ordered-task-1': 'exited', 'ordered-web-1': 'running', 'ordered-last-1': 'running' });
  });

  it('answer to exec, run, stop, start, restart, ps and ls as docker compose does', async () => {
    await dir.up({ name: 'words', services: { a: { ...waiting, environment: ['X=1'] }, b: { ...waiting, depends_on: ['a'] } } });
    expect(await dir.cli(['compose', 'exec', 'a', 'sh', '-c', 'echo $X; exit 3'])).toMatchObject({ code: 3, stdout: '1\n' });
    expect(await dir.cli(['compose', 'run', '-e', 'Y=2', 'a', 'sh', '-c', 'echo $X $Y; grep -c "\\bb\\b" /etc/hosts; exit 4'])).toMatchObject({
      code: 4,
      stdout: '1 2\n1\n',
    });
    expect((await dir.cli(['compose', 'stop', 'a'])).code).toBe(0);
    expect(await dir.states()).toEqual({ 'words-a-1': 'exited', 'words-b-1': 'running' });
    expect((await dir.cli(['compose', 'start'])).code).toBe(0);
    const before = await dir.project('words');
    expect((await dir.cli(['compose', 'restart', 'b'])).code).toBe(0);
    expect(await dir.project('words')).toEqual(before);
    expect((await dir.cli(['compose', 'ps'])).stdout).toMatch(/^b\s+words-b-1\s+busybox\s+running/mu);
    expect(JSON.parse((await dir.cli(['compose', 'ls', '--json'])).stdout)).toMatchObject([{ name: 'words', site: null }]);
    expect(await dir.cli(['compose', 'exec', 'c', 'true'])).toMatchObject({ code: 1, stderr: expect.stringContaining('has no service c') as string });
  });

  it('begin as others, of other files too, which are included with variables of their own, and laid upon by a file that resets', async () => {
    await dir.write({ services: { base: { ...waiting, environment: { A: 'base', B: '${WHERE}' }, env_file: 'own.env', ports: ['8080'] } } }, 'parts/base.yaml');
    await dir.write('C=${B}-of-file\n', 'parts/own.env');
    await dir.write('WHERE=of-parts\n', 'parts/.env');
    await dir.write({ services: { db: { ...waiting, environment: ['FROM=${WHERE}'] } } }, 'parts/db.yaml');
    await dir.write({
      name: 'woven',
      include: ['parts/db.yaml'],
      services: { a: { extends: { service: 'base', file: 'parts/base.yaml' }, environment: { A: 'own' }, depends_on: ['db'] } },
    });
    await dir.write('services: {a: {ports: !reset []}}', 'compose.override.yaml');
    const up = await dir.cli(['compose', 'up', '-d'], { B: 'b' });
    await rm(join(dir.dir, 'compose.override.yaml'));
    expect(up).toMatchObject({ code: 0 });
    expect((await dir.cli(['compose', '-p', 'woven', 'exec', 'a', 'sh', '-c', 'echo $A,$B,$C'])).stdout).toBe('own,,b-of-file\n');
    expect((await dir.cli(['compose', '-p', 'woven', 'exec', 'db', 'sh', '-c', 'echo $FROM'])).stdout).toBe('of-parts\n');
    expect((await dir.project('woven')).services.flatMap(({ containers }) => containers.flatMap(({ ports }) => ports))).toEqual([]);
  });

  it('answer to kill, pause, top, stats, port, images, wait, cp, rm and scale as docker compose does', async () => {
    await dir.up({ name: 'more', services: { a: { ...waiting, ports: ['127.0.0.1::80'] }, b: waiting } });
    const say = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await dir.cli(['compose', ...args]);
      return code === 0 ? stdout : `${code}: ${stderr}`;
    };
    expect(await say('pause', 'a')).toBe('more-a-1\n');
    expect((await dir.states())['more-a-1']).toBe('paused');
    expect(await say('unpause')).toBe('more-a-1\n');
    expect(await say('top', 'b')).toMatch(/^more-b-1\nPID .*\n.*sleep|sh -c/u);
    expect(await say('stats')).toMatch(/more-a-1.*\n.*more-b-1/u);
    expect(await say('port', 'a', '80')).toMatch(/^127\.0\.0\.1:\d+\n$/u);
    expect(await say('port', 'a', '81')).toContain('1: subako: nothing leads to port 81/tcp of more-a-1');
    expect(await say('images', 'a')).toMatch(/more-a-1\s+busybox\s+\w+/u);
    await dir.write('given', 'file.txt');
    await say('cp', 'file.txt', 'a:/tmp/there');
    expect(await say('exec', 'a', 'cat', '/tmp/there')).toBe('given');
    expect(await say('scale', 'b=3')).toContain('more-b-3');
    expect(Object.keys(await dir.states()).toSorted()).toEqual(['more-a-1', 'more-b-1', 'more-b-2', 'more-b-3']);
    const waited = say('wait', 'a');
    expect(await say('kill', '-s', 'TERM', 'a')).toBe('more-a-1\n');
    expect(await waited).toBe('0\n');
    expect(await say('rm', '-f')).toBe('more-a-1\n');
    expect(await say('rm', '-sf', 'b')).toBe('more-b-1\nmore-b-2\nmore-b-3\n');
    expect(await dir.states()).toEqual({});
    expect(await say('kill', 'c')).toContain('1: subako: the project more has no service c');
    expect(await say('watch')).toContain('2: subako: compose watch is not supported');
  });

  it('restart with those that they asked to restart with', async () => {
    const file = (db: object): object => ({
      name: 'along',
      services: {
        a: { ...waiting, depends_on: { db: { condition: 'service_started', restart: true } } },
        b: { ...waiting, depends_on: ['db'] },
        db: { ...waiting, ...db },
      },
    });
    await dir.up(file({}));
    const began = async (): Promise<Record<string, number | null>> => {
      const names = ['a', 'b', 'db'];
      const found = await Promise.all(names.map((name) => platform.api.get<ContainerReply>(`/v1/containers/along-${name}-1`)));
      return Object.fromEntries(found.map(({ startedAt }, index) => [names[index] ?? '', startedAt]));
    };
    const changed = async (work: () => Promise<unknown>): Promise<string[]> => {
      const before = await began();
      await work();
      const after = await began();
      return Object.keys(after).filter((name) => after[name] !== before[name]);
    };
    expect(await changed(() => dir.cli(['compose', 'restart', '-t', '5', 'db']))).toEqual(['a', 'db']);
    expect(await changed(() => dir.cli(['compose', 'restart', 'a']))).toEqual(['a']);
    expect(await changed(() => dir.up(file({ environment: ['NEW=1'] }), 'db'))).toEqual(['a', 'db']);
    expect(await changed(() => dir.up(file({ environment: ['NEW=1'] })))).toEqual([]);
    expect(await dir.states()).toEqual({ 'along-a-1': 'running', 'along-b-1': 'running', 'along-db-1': 'running' });
  });

  it('are waited for until they are well, and stay where one is not', async () => {
    const slow = {
      ...waiting,
      command: ['sh', '-c', 'sleep 1; touch /tmp/ok; sleep 1000'],
      stop_signal: 'KILL',
      healthcheck: { test: 'test -e /tmp/ok', interval: '1h' },
    };
    expect((await dir.up({ name: 'well', services: { a: slow, task: { image: 'busybox', command: ['true'] } } }, '--wait')).code).toBe(0);
    expect((await dir.project('well')).services.find(({ service }) => service === 'a')?.containers).toMatchObject([{ health: 'healthy' }]);
    const never = { ...slow, healthcheck: { test: 'false', interval: '1h' } };
    expect(await dir.up({ name: 'well', services: { a: never } }, '--wait-timeout', '1')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('well-a-1 did not come up: its health check did not succeed within 1 s') as string,
    });
    expect((await dir.states())['well-a-1']).toBe('running');
  });

  it('end together when the first ends, with the exit code of the one that is named', async () => {
    await dir.write({
      name: 'tests',
      services: {
        db: waiting,
        seed: { image: 'busybox', command: ['true'] },
        tests: {
          image: 'busybox',
          command: ['sh', '-c', 'echo tried; exit 5'],
          depends_on: { db: { condition: 'service_started' }, seed: { condition: 'service_completed_successfully' } },
        },
      },
    });
    expect(await dir.cli(['compose', 'up', '--exit-code-from', 'tests'])).toMatchObject({ code: 5, stdout: expect.stringContaining('| tried') as string });
    expect(await dir.states()).toEqual({ 'tests-db-1': 'exited', 'tests-seed-1': 'exited', 'tests-tests-1': 'exited' });
    expect((await dir.cli(['compose', 'up', '--abort-on-container-exit'])).code).toBe(5);
    expect(await dir.cli(['compose', 'up', '--exit-code-from', 'none'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('none is no service that comes up and ends') as string,
    });
    expect((await dir.states())['tests-db-1']).toBe('exited');
  });

  it('come up without what they need where that is asked for', async () => {
    await dir.up({ name: 'my_app', services: { web_app: { ...waiting, depends_on: ['b'] }, b: waiting } }, '--no-deps', 'web_app');
    expect(await dir.states()).toEqual({ 'my_app-web_app-1': 'running' });
    expect((await dir.cli(['compose', 'up', '-d', '--no-deps'])).code).toBe(2);
  });

  it('are shown in the foreground, each line with whose it is, until Ctrl-C ends them', async () => {
    const command = ['sh', '-c', 'echo here; trap "exit 0" TERM; while true; do sleep 0.1; done'];
    await dir.write({ name: 'shown', services: { one: { ...waiting, command }, two: { ...waiting, command } } });
    const said = await dir.interrupted(['compose', 'up'], (text) => text.split('| here').length > 2);
    expect(
      said
        .split('\n')
        .filter((line) => line.includes('|'))
        .toSorted(),
    ).toEqual(['one | here', 'two | here']);
    expect(await dir.states()).toEqual({ 'shown-one-1': 'exited', 'shown-two-1': 'exited' });
  });

  it('are as many as they are to be, and those that are none any more go', async () => {
    const file = (scale: number, more: object = {}): object => ({ name: 'many', services: { a: { ...waiting, scale }, ...more }, networks: { extra: {} } });
    const networks = async (): Promise<string[]> => (await platform.api.get<{ name: string }[]>('/v1/networks')).map(({ name }) => name);
    await dir.up(file(3, { gone: { ...waiting, networks: ['extra'] } }));
    expect(await networks()).toEqual(['many_default', 'many_extra']);
    expect(Object.keys(await dir.states())).toHaveLength(4);
    const result = await dir.up(file(1));
    expect([Object.keys(await dir.states()).toSorted(), result.stderr]).toEqual([
      ['many-a-1', 'many-gone-1'],
      expect.stringContaining('--remove-orphans removes them'),
    ]);
    await dir.up(file(1), '--remove-orphans');
    expect([Object.keys(await dir.states()), await networks()]).toEqual([['many-a-1'], ['many_default']]);
  });

  it('of which one does not come up leave nothing behind where they are new, and what ran before where they are not', async () => {
    const broken = { image: 'busybox', command: ['/bin/none'] };
    const file = (a: object, b: object): object => ({
      name: 'broken',
      services: { a: { ...a, volumes: ['kept:/kept'] }, b: { ...b, depends_on: ['a'] } },
      volumes: { kept: {} },
    });
    expect(await dir.up(file(waiting, broken))).toMatchObject({ code: 1, stderr: expect.stringContaining('broken-b-1 did not come up') as string });
    expect([await dir.states(), await platform.api.get('/v1/projects'), await platform.api.get('/v1/volumes')]).toEqual([{}, [], []]);
    await dir.up(file(waiting, waiting));
    const before = await dir.project('broken');
    expect((await dir.up(file({ ...waiting, environment: ['NEW=1'] }, broken))).code).toBe(1);
    expect(await dir.project('broken')).toEqual(before);
  });

  it('reach directories of this machine only where its operator allows it', async () => {
    const allowed = join(platform.dir, 'allowed', 'data');
    expect((await dir.up({ name: 'bound', services: { a: { ...waiting, volumes: [`${allowed}:/data`] } } })).code).toBe(0);
    expect((await dir.cli(['compose', 'exec', 'a', 'sh', '-c', 'echo x >/data/file'])).code).toBe(0);
    expect(await readFile(join(allowed, 'file'), 'utf8')).toBe('x\n');
    await mkdir(join(dir.dir, 'src'), { recursive: true });
    const result = await dir.up({ name: 'refused', services: { a: { ...waiting, volumes: ['./src:/app'] } } });
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('may not be mounted — below') as string });
    expect((await platform.api.get<{ name: string }[]>('/v1/projects')).map(({ name }) => name)).toEqual(['bound']);
  });

  it.each([
    ['services:\n  a: {image: busybox, privileged: true}', 2, 'compose.yaml:2: services.a.privileged: privileged is not supported'],
    ['services:\n  a: {image: busybox, depends_on: [b]}\n  b: {image: busybox, depends_on: [a]}', 2, 'services wait for one another: a → b → a'],
    ['services: {a: {image: busybox, ports: ["81:1"]}, b: {image: busybox, ports: ["81:1"]}}', 2, 'port 81/tcp is published twice'],
    ['services: {a: {image: localhost/none}}', 2, 'localhost/none:latest is a name of this machine’s own'],
    ['services: {a: {image: busybox, networks: [e]}}\nnetworks: {e: {external: true}}', 1, 'there is no network e, which is external'],
    ['services: {a: {image: busybox, depends_on: {b: {condition: service_healthy}}}, b: {image: busybox}}', 2, 'b has no health check'],
    ['services: {a: {image: busybox, user: nobody-here, command: ["true"]}}', 1, 'the image has no user'],
    ['services: {a: {image: busybox, mem_limit: lots}}', 2, 'services.a: --memory takes a size'],
    ['services: {a: {image: busybox, cap_add: [NET_ADMIN]}}', 2, 'services.a.cap_add: a container cannot have the capability NET_ADMIN'],
    ['services:\n  a: {extends: b}\n  b: {extends: a}', 2, 'services extend one another: a (compose.yaml) → b (compose.yaml) → a (compose.yaml)'],
    ['include: [compose.yaml]', 2, 'files include one another: compose.yaml → compose.yaml'],
    ['include: [/dev/zero]', 2, '/dev/zero is no file'],
    ['services: {a: {image: busybox, env_file: /dev/zero}}', 2, '/dev/zero is no file'],
  ])('%j is refused, and nothing of it is made', async (text, code, message) => {
    await dir.write(text);
    expect(await dir.cli(['compose', '-p', 'bad', 'up', '-d'])).toMatchObject({ code, stderr: expect.stringContaining(message) as string });
    expect([await dir.states(), await platform.api.get('/v1/projects')]).toEqual([{}, []]);
  });
});

describe('a project with a site', () => {
  const file = (more: object = {}, x: object = {}): object => ({
    name: 'pod',
    services: { web: { ...site, depends_on: ['db'] }, db: waiting, log: { ...waiting, 'x-subako': { keep: true } }, ...more },
    'x-subako': { domain: SITE, service: 'web', ...x },
  });

  it('rests but for what is to stay up, and wakes whole', async () => {
    expect((await dir.up(file())).code).toBe(0);
    await platform.sleep(SITE, 'frozen');
    expect(await dir.states()).toEqual({ 'pod-db-1': 'paused', 'pod-log-1': 'running' });
    await platform.sleep(SITE, 'cold');
    expect(await dir.states()).toEqual({ 'pod-db-1': 'exited', 'pod-log-1': 'running' });
    expect(String((await platform.fetch(SITE, '/')).body)).toBe('hello\n');
    expect(await dir.states()).toEqual({ 'pod-db-1': 'running', 'pod-log-1': 'running' });
    expect(JSON.parse((await dir.cli(['site', 'show', SITE, '--json'])).stdout)).toMatchObject({ app: { pod: { project: 'pod', service: 'web' } } });
  });

  it('fails to wake with a word of what did not come up, leaves nothing running, and wakes when that is mended', async () => {
    const db = {
      image: 'busybox',
      command: ['sh', '-c', 'test -e /flag/bad && exit 7; touch /run/ready; trap "exit 0" TERM; while true; do sleep 0.1; done'],
      volumes: ['flag:/flag'],
      tmpfs: ['/run'],
      healthcheck: { test: 'test -e /run/ready', retries: 1 },
    };
    await dir.up({ ...file({ db, web: { ...site, depends_on: { db: { condition: 'service_healthy' } } } }), volumes: { flag: {} } });
    expect((await dir.cli(['compose', 'exec', 'db', 'touch', '/flag/bad'])).code).toBe(0);
    await platform.sleep(SITE, 'cold');
    expect((await platform.fetch(SITE, '/')).status).toBe(503);
    const failed = (await platform.events(SITE)).findLast(({ type }) => type === 'instance.wake-failed');
    expect(failed?.facts).toMatchObject({ code: 'wake_failed', message: 'pod-db-1 did not come up: it ended with exit code 7' });
    expect([(await platform.row(SITE)).state, await dir.states()]).toEqual(['cold', { 'pod-db-1': 'exited', 'pod-log-1': 'running' }]);
    expect((await dir.cli(['compose', 'run', 'db', 'rm', '/flag/bad'])).code).toBe(0);
    expect(await poll(async () => (await platform.fetch(SITE, '/')).status === 200, WITHIN)).toBe(true);
  });

  it('shares its companions between two instances while one takes the place of the other', async () => {
    await dir.up(file());
    const { pid } = await platform.row(SITE);
    const before = await dir.project('pod');
    await platform.set(SITE, 'lifetime=1s', 'awake=yes');
    expect(await poll(async () => (await platform.row(SITE)).pid !== pid, WITHIN)).toBe(true);
    await platform.set(SITE, 'lifetime=1d', 'awake=no');
    expect((await dir.project('pod')).services.find(({ service }) => service === 'db')).toEqual(before.services.find(({ service }) => service === 'db'));
  });

  it('begins with what its image has in the place of a new volume, and keeps what there is in one', async () => {
    const seeded = { ...site, command: ['httpd', '-f', '-p', '8080', '-h', '/srv/seeded'], volumes: ['data:/srv/seeded', 'etc:/srv/climbing'] };
    const volumes = { data: {}, etc: {} };
    expect((await dir.up({ ...file({ web: seeded }), volumes })).code).toBe(0);
    expect(String((await platform.fetch(SITE, '/file')).body)).toBe('of the image');
    expect((await platform.inside(SITE, ['stat', '-c', '%u', '/srv/seeded/file'])).stdout).toBe('1000\n');
    // What a link of the image leads to is the image’s, and one that is in there stays one.
    expect(await readFile(join(platform.state, 'volumes', 'pod_etc', 'passwd'), 'utf8')).toBe(
      await readFile(join(platform.dir, 'busybox', 'etc', 'passwd'), 'utf8'),
    );
    expect(await readlink(join(platform.state, 'volumes', 'pod_data', 'leading'))).toBe('/etc/hostname');
    expect((await platform.inside(SITE, ['rm', '/srv/seeded/file'])).code).toBe(0);
    expect((await dir.up({ ...file({ web: { ...seeded, environment: { MORE: 'yes' } } }), volumes })).code).toBe(0);
    expect((await platform.fetch(SITE, '/file')).status).toBe(404);
    expect((await platform.mounts()).filter((line) => line.includes('/seed-'))).toEqual([]);
  });

  it('is let out by its own networks alone, and by its owner between their changes', async () => {
    await platform.api.post('/v1/networks', { name: 'closed', internal: true });
    const networks = { default: {}, shut: { name: 'closed', external: true } };
    const up = (...names: string[]) => dir.up({ ...file({ web: { ...site, networks: names, environment: { N: String((count += 1)) } } }), networks });
    let count = 0;
    const isOut = async (): Promise<boolean> => /^eth0\t0{8}\t/mu.test((await platform.inside(SITE, ['cat', '/proc/net/route'])).stdout);
    expect([(await up('shut')).code, await isOut()]).toEqual([0, false]);
    expect([(await up('shut', 'default')).code, await isOut()]).toEqual([0, true]);
    await platform.set(SITE, 'egress=no');
    expect([(await up('default')).code, await isOut()]).toEqual([0, false]);
    await dir.cli(['compose', '-p', 'pod', 'down']);
    expect((await dir.cli(['network', 'rm', 'closed'])).code).toBe(0);
  });

  it('goes whole with its site', async () => {
    await dir.up(file());
    expect((await dir.cli(['site', 'rm', SITE])).code).toBe(0);
    expect([await dir.states(), await platform.api.get('/v1/projects')]).toEqual([{}, []]);
  });
});
