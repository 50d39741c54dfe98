/** Hooks of the operator and of sites' owners, on a platform whose definition file is in TypeScript. */
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SiteReply } from '../../src/api/types.ts';
import type { SubakoEvent } from '../../src/domain/events.ts';
import type { HookEvent } from '../../src/hooks/hook.ts';
import { poll } from '../../src/lib/deadline.ts';
import { execAny } from '../../src/lib/exec.ts';
import { isRunning, TestPlatform } from '../helpers/platform.ts';

let platform: TestPlatform;
const place = (name: string): string => join(platform.dir, name);
/** A number that no other process has among its arguments. */
const FOR_LONG = `86398.${process.pid}`;

const definition = (): string => `
import { appendFileSync, existsSync } from 'node:fs';
import { defineConfig, type HookEvent } from 'subako';

const note = (event: HookEvent): void => appendFileSync(${JSON.stringify(place('told'))}, JSON.stringify(event) + '\\n');
const ladder = { sites: 'ladder.example', role: 'public', run: note } as const;

export default defineConfig({
  spares: 0,
  cron: 'never',
  sites: {
    '*': { freeze: 'never', idle: 'never' },
    'held.example': { freeze: '1s' },
    'hangs.example': { freeze: '1s' },
    'slow.example': { freeze: '1s', idle: '3s', checkpoint: 'never' },
    'owner.example': { freeze: '1s', idle: '3s', checkpoint: 'never' },
  },
  hooks: [
    { on: 'before-boot', wait: true, ...ladder },
    ...(['after-boot', 'before-restore', 'after-restore', 'ready', 'after-freeze', 'before-thaw', 'after-thaw', 'after-checkpoint', 'after-stop', 'died'] as const).map(
      (on) => ({ on, ...ladder }),
    ),
    { on: 'before-freeze', ...ladder },
    { on: 'before-checkpoint', ...ladder },
    { on: 'before-stop', ...ladder },
    { on: 'timer', after: '1s', ...ladder },
    { on: 'before-freeze', sites: 'held.example', run: () => (existsSync(${JSON.stringify(place('hold'))}) ? { veto: 'mail in the queue' } : undefined) },
    { on: 'before-freeze', sites: 'hangs.example', deadline: '1s', run: () => new Promise<undefined>(() => undefined) },
    { on: 'after-freeze', sites: 'hangs.example', deadline: '1s', run: () => { for (;;); } },
    { on: 'before-stop', sites: 'hangs.example', deadline: '1s', run: ['/bin/sh', '-c', 'trap "" TERM; sleep ${FOR_LONG}; sleep ${FOR_LONG}'] },
    {
      on: 'before-stop',
      sites: 'slow.example',
      run: async (event) => {
        note(event);
        while (existsSync(${JSON.stringify(place('slow'))})) await new Promise((resolve) => setTimeout(resolve, 100));
      },
    },
    { on: 'signal', signal: 'SIGHUP', run: note },
    { on: 'signal', signal: 'SIGUSR2', run: ['/bin/sh', '-c', 'cat >> "$0"', ${JSON.stringify(place('told'))}] },
    { on: 'event', events: ['site.*'], sites: '*.example', run: note },
  ],
});
`;

async function told(): Promise<HookEvent[]> {
  const text = await readFile(place('told'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as HookEvent);
}

const ofLadder = async (): Promise<string[]> =>
  (await told()).filter(({ site, hook }) => site === 'ladder.example' && hook !== 'event' && hook !== 'timer').map(({ hook }) => hook);

/** Waits for the hooks that come next, and for no more. */
let seen = 0;
async function next(names: string): Promise<void> {
  const wanted = names.split(' ');
  await poll(async () => (await ofLadder()).length >= seen + wanted.length, { timeoutMs: 60_000, everyMs: 50 });
  expect((await ofLadder()).slice(seen)).toEqual(wanted);
  seen += wanted.length;
}

async function untilEvent(domain: string, is: (event: SubakoEvent) => boolean): Promise<SubakoEvent> {
  const event = await poll(async () => (await platform.events(domain)).find(is), { timeoutMs: 60_000, everyMs: 200 });
  if (event === undefined) throw new Error(`no such event of ${domain}: ${JSON.stringify((await platform.events(domain)).slice(-10))}`);
  return event;
}

const untilWhy = async (domain: string, part: string): Promise<void> => {
  const reached = await poll(async () => (await platform.row(domain)).why?.includes(part) === true, { timeoutMs: 60_000, everyMs: 100 });
  expect(reached, `ps does not say “${part}” of ${domain}, but ${(await platform.row(domain)).why}`).toBe(true);
};

beforeAll(async () => {
  platform = await TestPlatform.create();
  await mkdir(platform.state, { recursive: true, mode: 0o711 });
  await writeFile(join(platform.state, 'subako.config.ts'), definition());
  await platform.up();
  await platform.untilTemplate();
});
afterAll(async () => {
  expect(await platform.stop()).toEqual([]);
});

describe('hooks of the operator', () => {
  it('are told of a whole ladder in order, and a start waits for the one that says so', async () => {
    await platform.createSite('ladder.example');
    await platform.set('ladder.example', 'checkpoint=always');
    await platform.sleep('ladder.example', 'cold').catch(() => undefined); // it was never awake
    seen = (await ofLadder()).length;
    expect(Object.keys((await platform.wake('ladder.example')).phases)).toContain('hook');
    await next('before-boot before-restore after-restore after-boot ready');
    await platform.sleep('ladder.example', 'frozen', 'public');
    await next('before-freeze after-freeze');
    await platform.wake('ladder.example');
    await next('before-thaw after-thaw ready');
    await platform.sleep('ladder.example', 'checkpointed', 'public');
    await next('before-checkpoint before-stop after-checkpoint after-stop');
    await platform.wake('ladder.example');
    await next('before-boot before-restore after-restore after-boot ready');
    expect(await poll(async () => (await told()).some(({ hook }) => hook === 'timer'), { timeoutMs: 60_000, everyMs: 100 })).toBe(true);
    process.kill((await platform.row('ladder.example')).pid ?? 0, 'SIGKILL');
    await next('died');
    await platform.wake('ladder.example');
    await next('before-boot before-restore after-restore after-boot ready');
    await platform.sleep('ladder.example', 'cold', 'public');
    await next('before-stop after-stop');
    const all = (await told()).filter(({ site }) => site === 'ladder.example');
    expect(all.find(({ hook }) => hook === 'before-freeze')).toMatchObject({ role: 'public', state: 'running', cause: 'command', mayVeto: false });
    expect(all.find(({ hook }) => hook === 'event')?.facts).toMatchObject({ type: 'site.created' });
  });

  it('hold a freeze by their veto, which ps shows, until they lift it', async () => {
    await writeFile(place('hold'), '');
    await platform.createSite('held.example');
    expect((await platform.api.get<SiteReply>('/v1/sites/held.example')).settings).toMatchObject({ freeze: '1s', idle: 'never' });
    await platform.wake('held.example');
    await untilWhy('held.example', 'not to freeze yet: mail in the queue');
    expect((await untilEvent('held.example', ({ type }) => type === 'hook.vetoed')).cause).toBe('mail in the queue');
    expect((await platform.row('held.example')).state).toBe('running');
    await rm(place('hold'));
    await platform.untilState('held.example', 'frozen');
    expect((await platform.row('held.example')).why).toBe('idle');
  });

  it('that hang are cut, and the site sleeps all the same', async () => {
    await platform.createSite('hangs.example');
    await platform.wake('hangs.example');
    await platform.untilState('hangs.example', 'frozen');
    await untilEvent(
      'hangs.example',
      ({ type, cause, facts }) => type === 'hook.failed' && facts?.['on'] === 'before-freeze' && cause === 'it took longer than 1000 ms',
    );
    await untilEvent('hangs.example', ({ type, facts }) => type === 'hook.failed' && facts?.['on'] === 'after-freeze');
    expect((await platform.sleep('hangs.example', 'cold', 'public')).to).toBe('cold');
    await untilEvent('hangs.example', ({ type, facts }) => type === 'hook.failed' && facts?.['on'] === 'before-stop');
    const gone = await poll(async () => (await execAny(['pgrep', '-f', `sleep ${FOR_LONG}`])).code === 1, { timeoutMs: 60_000, everyMs: 100 });
    expect(gone).toBe(true);
  });

  it('keep no visitor waiting, who wakes a site that is about to stop', async () => {
    await platform.createSite('slow.example');
    await writeFile(place('slow'), '');
    await platform.wake('slow.example');
    const asked = async (): Promise<boolean> =>
      (await told()).some(({ site, hook, state }) => site === 'slow.example' && hook === 'before-stop' && state === 'frozen');
    expect(await poll(asked, { timeoutMs: 60_000, everyMs: 20 })).toBe(true);
    const reply = await platform.fetch('slow.example', '/');
    expect([reply.status, (await platform.events('slow.example')).filter(({ type }) => type === 'hook.failed')]).toEqual([200, []]);
    await rm(place('slow'));
    await platform.untilState('slow.example', 'cold');
  });

  it('hear of signals, and the daemon goes on', async () => {
    const pid = await platform.daemonPid();
    for (const signal of ['SIGHUP', 'SIGUSR2'] as const) {
      process.kill(pid, signal);
      expect(await poll(async () => (await told()).some(({ facts }) => facts?.['signal'] === signal), { timeoutMs: 60_000, everyMs: 50 })).toBe(true);
    }
    expect(isRunning(pid)).toBe(true);
  });
});

describe('a hook of a site’s owner', () => {
  const HOOK = 'hook.before-stop=/usr/bin/php8.4 /srv/wordpress/wp-content/owner.php';

  it('runs with its container’s powers alone, and what it says is in the site’s log', async () => {
    const { id } = await platform.createSite('owner.example');
    const spied = [place('told'), platform.run, join(platform.state, 'cmdb.sqlite'), '/etc/shadow'];
    await platform.plant(
      'owner.example',
      'owner.php',
      `<?php
      $told = json_decode(file_get_contents('php://stdin'), true);
      echo "$told[hook] of $told[site], $told[role]\\n\\033[2Jsteers\\n";
      foreach (${JSON.stringify(spied)} as $path) echo 'reads ', $path, ' ', (@file_get_contents($path) ?: @scandir($path)) ? 'yes' : 'no', "\\n";
      foreach (['/', '/etc', __DIR__] as $path) echo 'writes ', $path, ' ', @file_put_contents("$path/new", 'x') ? 'yes' : 'no', "\\n";
      preg_match_all('/^(CapEff|NoNewPrivs|Seccomp):\\s+(\\w+)$/m', file_get_contents('/proc/self/status'), $powers);
      echo implode(' ', $powers[2]), "\\n";
      if (file_exists(__DIR__ . '/hold')) { echo "3 mails\\n"; exit(75); }`,
    );
    await platform.plant('owner.example', 'hold', '');
    await platform.set('owner.example', HOOK);
    await platform.wake('owner.example');
    await untilWhy('owner.example', 'not to stop yet: 3 mails');
    expect((await platform.row('owner.example')).state).toBe('running');
    const log = await readFile(join(platform.state, 'sites', id, 'log', 'public.log'), 'utf8');
    const said = log.split('\n').flatMap((line) => (line.startsWith('before-stop: ') ? [line.slice('before-stop: '.length)] : []));
    expect(said.slice(0, 2)).toEqual(['before-stop of owner.example, public', '\uFFFD[2Jsteers']);
    for (const path of spied) expect(said).toContain(`reads ${path} no`);
    for (const path of ['/', '/etc', '/srv/wordpress/wp-content']) expect(said).toContain(`writes ${path} no`);
    expect(said).toContain('0000000000000000 1 2');
  });

  it('holds a stop until it has no objection any more', async () => {
    const { id } = await platform.row('owner.example');
    await rm(join(platform.state, 'sites', id, 'content', 'hold'));
    await platform.untilState('owner.example', 'cold');
    expect((await untilEvent('owner.example', ({ type }) => type === 'hook.vetoed')).facts).toMatchObject({ hook: 'hook.before-stop', role: 'public' });
  });

  it('that hangs is cut, and the site stops all the same', async () => {
    const mark = `mark-${FOR_LONG}`;
    await platform.plant('owner.example', 'owner.sh', 'trap "" TERM; while :; do sleep 1; done');
    await platform.set('owner.example', 'hook.before-stop=off', `hook.ready=/bin/sh /srv/wordpress/wp-content/owner.sh ${mark}`, 'freeze=never', 'idle=never');
    await platform.wake('owner.example');
    const untilThere = (wanted: boolean): Promise<true | undefined> =>
      poll(async () => ((await execAny(['pgrep', '-f', mark])).code === 0) === wanted, { timeoutMs: 60_000, everyMs: 100 });
    expect(await untilThere(true)).toBe(true);
    await untilEvent('owner.example', ({ type, cause }) => type === 'hook.failed' && cause === 'it took longer than 10000 ms');
    expect(await untilThere(false)).toBe(true);
    await platform.set('owner.example', 'idle=1s');
    await platform.untilState('owner.example', 'cold');
  });
});

describe('a definition file', () => {
  it('that is broken, or that others may write, keeps the platform from starting and says where', async () => {
    const other = await TestPlatform.create();
    try {
      await mkdir(other.state, { recursive: true, mode: 0o711 });
      const path = join(other.state, 'subako.config.ts');
      await writeFile(path, 'export default {\n  http: 80,\n  hooks: [{ on: "never", run: ["/bin/true"] }],\n};\n');
      const refused = await other.cli(['up', '--detach']);
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(`${path}:3: hooks.0.on`)]);
      const checked = await other.cli(['config', 'check', '--json']);
      expect([checked.code, JSON.parse(checked.stderr)]).toMatchObject([2, { error: { code: 'bad_setting' } }]);
      await writeFile(path, `require('node:fs').writeFileSync(${JSON.stringify(place('was-run'))}, '');\n`);
      await chmod(path, 0o666);
      expect(await other.cli(['up', '--detach'])).toMatchObject({ code: 2, stderr: expect.stringContaining('can be written by others') });
      expect(existsSync(place('was-run'))).toBe(false);
      await chmod(path, 0o644);
      await writeFile(path, 'export default { sites: { "a.example": { idle: "soon" } } };\n');
      expect(await other.cli(['up', '--detach'])).toMatchObject({ code: 2, stderr: expect.stringContaining('sites.a.example') });
    } finally {
      await rm(other.dir, { recursive: true, force: true });
    }
  });

  it('is looked at and shown without being changed', async () => {
    const shown = await platform.json<{ file: string; cron: number; hooks: { on: string; run: unknown }[] }>('config', 'show');
    expect(shown).toMatchObject({ file: join(platform.state, 'subako.config.ts'), cron: 0 });
    expect(shown.hooks.find(({ on }) => on === 'before-boot')?.run).toBe('a function');
  });
});
