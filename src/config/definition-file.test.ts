import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from './config.ts';

const dir = mkdtempSync(join(tmpdir(), 'subako-definition-'));
afterAll(() => rmSync(dir, { recursive: true }));

let count = 0;
function stateWith(files: Readonly<Record<string, string>>): string {
  count += 1;
  const state = join(dir, String(count));
  mkdirSync(state, { mode: 0o755 });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(state, name), text, { mode: 0o644 });
  return state;
}
const load = (state: string, config?: string) => loadConfig({ state, run: '/run/x', config }, {});
const refusal = (state: string, config?: string): string => {
  try {
    load(state, config);
  } catch (error) {
    expect(error).toMatchObject({ code: 'bad_setting' });
    return (error as Error).message;
  }
  throw new Error('it was taken');
};

const TYPESCRIPT = `import { defineConfig, type HookEvent } from 'subako';
const port: number = 8080;
export default defineConfig({
  http: port,
  sites: { '*.example.org': { idle: '5m', awake: false } },
  hooks: [{ on: 'before-stop', run: async (event: HookEvent) => ({ veto: event.hook }) }],
});
`;
const YAML = `http: 8080
sites:
  "*.example.org": { idle: 5m, awake: false }
hooks:
  - on: before-stop
    run: [/usr/local/bin/queue-is-empty]
`;

describe('the definition file', () => {
  it('says the same in TypeScript, YAML and JSON', () => {
    const expected = { http: 8080, sites: { '*.example.org': { idle: '5m', awake: false } }, hooks: [{ index: 0, on: 'before-stop' }] };
    const { parse } = { parse: (text: string) => JSON.stringify({ http: 8080, sites: expected.sites, hooks: [{ on: 'before-stop', run: [text] }] }) };
    for (const files of [
      { 'subako.config.ts': TYPESCRIPT },
      { 'subako.config.yaml': YAML },
      { 'subako.config.json': parse('/bin/true') },
      { 'config.json': parse('/bin/true') },
    ]) {
      const state = stateWith(files);
      expect(load(state)).toMatchObject({ ...expected, definition: join(state, Object.keys(files)[0] ?? '') });
    }
  });

  it('is not needed', () => {
    expect(load(stateWith({}))).toMatchObject({ definition: undefined, http: 80, hooks: [] });
  });

  it('may lie anywhere, where it is named', () => {
    const path = join(stateWith({ 'mine.ts': TYPESCRIPT }), 'mine.ts');
    expect(load(stateWith({ 'config.json': '{"http": 1}' }), path)).toMatchObject({ http: 8080, definition: path });
    expect(refusal(dir, '/no/such/file.ts')).toContain('/no/such/file.ts');
  });

  it.each([
    ['subako.config.ts', "import { defineConfig } from 'subako';\nexport default defineConfig({\n  http: 80 80,\n});\n", 3],
    ['subako.config.ts', 'const nothing: any = undefined;\n\nexport default { http: nothing.port };\n', 3],
    ['subako.config.ts', "\nimport { x } from './not-there.ts';\nexport default { x };\n", undefined],
    ['subako.config.ts', 'export const http = 80;\n', undefined],
    ['subako.config.ts', 'const a = await Promise.resolve(1);\nexport default { http: a };\n', undefined],
    ['subako.config.ts', "export default {\n  http: 80,\n  hooks: [\n    { on: 'ready', run: ['true'] },\n  ],\n};\n", 4],
    ['subako.config.ts', "export default {\n  http: 80,\n  colour: 'red',\n};\n", 3],
    ['subako.config.yaml', 'http: 80\nhooks:\n  - on: ready\n   run: x\n', 4],
    ['subako.config.yaml', 'http: 80\nhooks:\n  - on: ready\n    run: [/bin/true]\n  - on: raedy\n    run: [/bin/true]\n', 5],
    ['subako.config.yaml', 'http: 80\ncolour: red\n', 2],
    ['subako.config.yaml', '- http\n', undefined],
    ['config.json', '{\n  "http": 80,\n  "idleTimeout": "soon"\n}', 3],
    ['config.json', '{ "http": 80', 1],
  ] as const)('that is broken is refused with its name and line: %s %j', (name, text, line) => {
    const state = stateWith({ [name]: text });
    expect(refusal(state)).toContain(`${join(state, name)}${line === undefined ? '' : `:${line}: `}`);
  });

  it('is refused where there are two', () => {
    expect(refusal(stateWith({ 'config.json': '{}', 'subako.config.ts': TYPESCRIPT }))).toContain('two definition files');
  });

  it('does not become large by what it repeats', () => {
    const laughs = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefghi'.split('').map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[i]}`).join(',')}]`),
    ];
    expect(refusal(stateWith({ 'subako.config.yaml': laughs.join('\n') }))).toContain('alias');
  });
});

describe.runIf(process.getuid?.() === 0)('a definition file that somebody else could have written', () => {
  it('is refused, and not run', () => {
    const state = stateWith({ 'subako.config.ts': "throw new Error('it was run');\n" });
    const path = join(state, 'subako.config.ts');
    chmodSync(path, 0o666);
    expect(refusal(state)).toContain('can be written by others');
    chmodSync(path, 0o644);
    chownSync(path, 1000, 0);
    expect(refusal(state)).toContain('belongs to user 1000');
    chownSync(path, 0, 0);
    chmodSync(state, 0o777);
    expect(refusal(state)).toContain('on the way to');
    chmodSync(state, 0o755);
    expect(refusal(state)).toContain('it was run');
  });

  it('is refused by where a link leads', () => {
    const theirs = stateWith({ 'theirs.ts': TYPESCRIPT });
    chmodSync(join(theirs, 'theirs.ts'), 0o666);
    const state = stateWith({});
    symlinkSync(join(theirs, 'theirs.ts'), join(state, 'subako.config.ts'));
    expect(refusal(state)).toContain('can be written by others');
    chmodSync(join(theirs, 'theirs.ts'), 0o644);
    expect(load(state).http).toBe(8080);
  });
});
