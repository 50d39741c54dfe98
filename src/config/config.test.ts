import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FILE_SCHEMA, loadConfig } from './config.ts';
import { inheritedEnvironment } from './environment.ts';
import { directories } from './directories.ts';

const state = mkdtempSync(join(tmpdir(), 'subako-config-'));
afterAll(() => rmSync(state, { recursive: true }));

function withFile(text: string): () => unknown {
  writeFileSync(join(state, 'config.json'), text);
  return () => loadConfig({ state, run: '/run/x' }, {});
}

describe('the configuration', () => {
  it('comes from the flag, else the environment, else the default', () => {
    expect(directories({}, {})).toEqual({ state: '/var/lib/subako', run: '/run/subako', cache: '/var/cache/subako' });
    expect(directories({}, { SUBAKO_STATE: '/a', SUBAKO_RUN: '/b', SUBAKO_CACHE: '/c' })).toEqual({ state: '/a', run: '/b', cache: '/c' });
    expect(directories({ state: '/x' }, { SUBAKO_STATE: '/a' }).state).toBe('/x');
    expect(directories({}, { SUBAKO_STATE: '', SUBAKO_RUN: '', SUBAKO_CACHE: '' })).toEqual(directories({}, {}));
  });

  it('refuses a run directory that no socket path could lie in', () => {
    expect(() => directories({ run: `/${'r'.repeat(60)}` }, {})).toThrow(expect.objectContaining({ code: 'bad_usage' }));
  });

  it('reads the file, and lets flags win', () => {
    withFile('{"http": 8080, "idleTimeout": "5m", "memory": "1g"}');
    expect(loadConfig({ state, run: '/run/x', http: 9090 }, {})).toMatchObject({ http: 9090, https: 443, idleTimeout: 300_000, memory: 1024 ** 3 });
  });

  it.each(['{', '{"colour": "red"}', '{"http": 0}', '{"http": "80"}', '{"idleTimeout": "soon"}', '{"memory": "much"}', '[]'])('refuses %s', (text) => {
    expect(withFile(text)).toThrow(expect.objectContaining({ code: 'bad_setting' }));
  });

  it.each([
    ['auto', true],
    ['none', true],
    ['fd12:3456:789a:1::/64', true],
    ['fd12:3456:789a:1::/48', false],
    ['fd12:3456:789a:1::1/64', false],
    ['2001:4860::/64', false],
    ['fe80::/64', false],
    ['10.0.0.0/16', false],
  ])('takes %s for egressRange6: %s', (egressRange6, isOne) => {
    const reads = expect(withFile(JSON.stringify({ egressRange6 })));
    if (isOne) reads.not.toThrow();
    else reads.toThrow(expect.objectContaining({ code: 'bad_setting' }));
  });

  it('has every key explained in docs/operations.md', () => {
    const docs = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    for (const key of Object.keys(FILE_SCHEMA.shape)) expect(docs).toContain(`\`${key}\``);
  });

  it('gives a daemon nothing of the environment that it does not need', () => {
    expect(inheritedEnvironment({ SUBAKO_STATE: '/a', SECRET: 'x', PATH: '/bin', https_proxy: 'p', LD_PRELOAD: 'y' })).toEqual({
      SUBAKO_STATE: '/a',
      PATH: '/bin',
      https_proxy: 'p',
    });
  });
});
