/** The command line as a person uses it: terminals, exit codes, JSON, errors that say what to do. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execAny } from '../../src/lib/exec.ts';
import { TestPlatform } from '../helpers/platform.ts';

const SITE = 'line.localhost';
const SUBAKO = join(fileURLToPath(new URL('../..', import.meta.url)), 'subako');
let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
  await platform.createSite(SITE);
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('exec', () => {
  it('hands on output, input and the exit code', async () => {
    expect(await platform.cli(['exec', SITE, '--', 'sh', '-c', 'echo out; echo err >&2; exit 7'])).toMatchObject({
      code: 7,
      stdout: 'out\n',
      stderr: expect.stringContaining('err') as string,
    });
    expect((await platform.cli(['exec', SITE, '--', 'cat'], 'through')).stdout).toBe('through');
  });

  it('takes options of the command for the command’s', async () => {
    expect((await platform.cli(['exec', SITE, '--', 'echo', '--json', '--state', '/x', '-n'])).stdout).toBe('--json --state /x -n\n');
  });

  it('gives a real terminal where there is one', async () => {
    const command = `${SUBAKO} exec ${SITE} -- sh -c "tty; exit 5"`;
    const env = { SUBAKO_STATE: platform.state, SUBAKO_RUN: platform.run, TERM: 'xterm' };
    const result = await execAny(['script', '-qec', command, '/dev/null'], { env, timeoutMs: 120_000 });
    expect(result.stdout).toContain('/dev/pts/0');
    expect(result.code).toBe(5);
  });

  it('wakes the site, and keeps it awake while it runs', async () => {
    await platform.json('site', 'set', SITE, 'idle=1s', 'checkpoint=never');
    await platform.json('sleep', SITE, '--to', 'cold');
    const running = platform.cli(['exec', SITE, '--role', 'public', '--', 'sh', '-c', 'sleep 4; echo end']);
    await platform.untilState(SITE, 'running');
    expect((await running).stdout).toBe('end\n');
    await platform.untilState(SITE, 'cold');
    await platform.json('site', 'set', SITE, 'idle=15m');
  });
});

describe('every reading command', () => {
  it.each(['status', 'site ls', `site show ${SITE}`, 'ps', 'doctor'])('such as %s prints JSON when asked', async (line) => {
    const result = await platform.cli([...line.split(' '), '--json']);
    expect(result.stderr).toBe('');
    expect(() => JSON.parse(result.stdout) as unknown).not.toThrow();
  });

  it('or one object a line, where it goes on', async () => {
    await platform.plantPhp(SITE, 'talk.php', '<?php error_log("one"); error_log("two");');
    await platform.fetch(SITE, '/wp-content/plugins/talk.php');
    for (const args of [
      ['events', '--json'],
      ['logs', SITE, '--json'],
    ]) {
      const lines = (await platform.cli(args)).stdout.trim().split('\n');
      expect(lines.length).toBeGreaterThan(1);
      for (const line of lines) expect(JSON.parse(line)).toBeTypeOf('object');
    }
  });

  it('has in ps what the contract says', async () => {
    await platform.fetch(SITE, '/');
    expect(await platform.row(SITE)).toEqual({
      id: expect.stringMatching(/^s[a-z0-9]{9}$/u) as string,
      site: SITE,
      role: 'public',
      node: 'local',
      state: 'running',
      runtime: 'crun',
      pid: expect.any(Number) as number,
      cpuPercent: expect.any(Number) as number,
      memoryBytes: expect.any(Number) as number,
      since: expect.any(Number) as number,
      wakes: expect.any(Number) as number,
      instances: 1,
      why: expect.any(String) as string,
      lastWake: { from: 'cold', ms: expect.any(Number) as number },
    });
  });
});

describe('a mistake', () => {
  it.each([
    [['frobnicate'], 2, 'bad_usage'],
    [['site', 'create'], 2, 'bad_usage'],
    [['site', 'create', 'bad..name'], 2, 'bad_domain'],
    [['site', 'create', 'ok.localhost', '--stack', 'cobol'], 1, 'not_found'],
    [['site', 'create', 'ok.localhost', '--admin-user', 'a b'], 2, 'bad_setting'],
    [['site', 'show', 'none.localhost'], 1, 'not_found'],
    [['site', 'set', SITE, 'idle=soon'], 2, 'bad_setting'],
    [['sleep', SITE, '--to', 'sleepy'], 2, 'bad_usage'],
    [['wake', 'none.localhost'], 1, 'not_found'],
    [['up', '--http', 'eighty'], 2, 'bad_usage'],
  ] as const)('%j: exit %i and %s, with a hint', async (args, code, name) => {
    const result = await platform.cli([...args, '--json']);
    expect(result.code).toBe(code);
    expect(result.stdout).toBe('');
    expect(JSON.parse(result.stderr)).toMatchObject({ error: { code: name, message: expect.any(String) as string, hint: expect.any(String) as string } });
  });

  it('is one line for a person', async () => {
    const result = await platform.cli(['site', 'show', 'none.localhost']);
    expect(result.stderr).toBe('subako: there is no site none.localhost — subako site ls shows the sites there are\n');
  });

  it('without a platform says how to start one', async () => {
    const other = await TestPlatform.create();
    const result = await other.cli(['ps']);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('subako up --detach');
    await other.stop();
  });
});

describe('completion', () => {
  it('is a script that bash understands, and that completes', async () => {
    const script = (await platform.cli(['completion', 'bash'])).stdout;
    const ask = `${script}\nsubako() { ${SUBAKO} "$@"; }\nCOMP_WORDS=(subako site cr); COMP_CWORD=2; _subako; echo "\${COMPREPLY[@]}"\nCOMP_WORDS=(subako wake li); COMP_CWORD=2; _subako; echo "\${COMPREPLY[@]}"`;
    const result = await execAny(['bash', '-c', ask], { env: { SUBAKO_STATE: platform.state, SUBAKO_RUN: platform.run } });
    expect(result.stdout).toBe(`create\n${SITE}\n`);
  });
});
