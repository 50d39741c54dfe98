import { describe, expect, it } from 'vitest';
import { readFiles } from './read-files.ts';
import { readProject } from './read-project.ts';
import { mergeSources } from './merge.ts';

type Files = Readonly<Record<string, string>>;

/** Of files below /p; `compose.yaml` and those in `more` are given together. */
function sourcesOf(files: Files, more: readonly string[] = [], set: Files = {}) {
  const at = (path: string): string | undefined => (path.startsWith('/p/') ? files[path.slice('/p/'.length)] : undefined);
  return readFiles(
    ['compose.yaml', ...more].map((name) => `/p/${name}`),
    {
      dir: '/p',
      variableOf: (name) => set[name],
      read: (path) => Buffer.from(at(path) ?? ''),
      kindOf: (path) => (at(path) === undefined ? undefined : 'file'),
      shown: (path) => path.replace('/p/', ''),
    },
    () => undefined,
  );
}

const valueOf = (files: Files, more: readonly string[] = [], set: Files = {}) => mergeSources(sourcesOf(files, more, set));
const service = (files: Files, name = 'a', more: readonly string[] = []) => (valueOf(files, more)['services'] as Record<string, unknown>)[name];

describe('extends', () => {
  it('begins with what the other service says, and lays its own upon it', () => {
    const base = 'b: {image: x, command: [one, two], environment: {A: 1, B: 1}, ports: ["80:80"], volumes: [v:/a], labels: [l=1]}';
    const own = 'a: {extends: b, command: [three], environment: [B=2], ports: ["80:80", "81:81"], volumes: [w:/a], read_only: true}';
    expect(service({ 'compose.yaml': `services:\n  ${own}\n  ${base}` })).toEqual({
      image: 'x',
      command: ['three'],
      environment: { A: 1, B: '2' },
      ports: [
        { target: 80, published: '80' },
        { target: 81, published: '81' },
      ],
      volumes: [{ type: 'volume', source: 'w', target: '/a' }],
      labels: { l: '1' },
      read_only: true,
    });
  });

  it('goes over several services, and over files, whose relative paths begin where they lie', () => {
    const files = {
      'compose.yaml': 'services: {a: {extends: {service: b}, env_file: own.env}, b: {extends: {service: c, file: other/base.yaml}, tty: true}}',
      'other/base.yaml': 'services: {c: {extends: {service: d, file: deep/more.yaml}, build: {dockerfile: D}, env_file: c.env, volumes: [./src:/src, v:/v]}}',
      'other/deep/more.yaml': 'services: {d: {image: x, env_file: d.env, volumes: [../up:/up, /abs:/abs, ~/me:/me]}}',
    };
    expect(service(files)).toEqual({
      image: 'x',
      tty: true,
      build: { context: '/p/other', dockerfile: 'D' },
      env_file: [{ path: '/p/other/deep/d.env' }, { path: '/p/other/c.env' }, { path: 'own.env' }],
      volumes: [
        { type: 'bind', source: '/p/other/up', target: '/up' },
        { type: 'bind', source: '/abs', target: '/abs' },
        { type: 'bind', source: '~/me', target: '/me' },
        { type: 'bind', source: '/p/other/src', target: '/src' },
        { type: 'volume', source: 'v', target: '/v' },
      ],
    });
  });

  it('takes from the other file the service alone, and puts variables into it', () => {
    const files = {
      'compose.yaml': 'services: {a: {extends: {service: b, file: o.yaml}}}',
      'o.yaml': 'name: o\nservices: {b: {image: "x:$T"}, c: {image: y}}',
    };
    expect(valueOf(files, [], { T: '3' })).toEqual({ services: { a: { image: 'x:3' } } });
  });

  it.each<[string, Files, string]>([
    [
      'itself',
      { 'compose.yaml': 'services:\n  a: {extends: a}' },
      'compose.yaml:2: services.a.extends: services extend one another: a (compose.yaml) → a (compose.yaml)',
    ],
    [
      'one that extends it, over files',
      {
        'compose.yaml': 'services: {a: {extends: {service: b, file: o.yaml}}}',
        'o.yaml': 'services: {b: {extends: {service: a, file: compose.yaml}}}',
      },
      'services extend one another: a (compose.yaml) → b (o.yaml) → a (compose.yaml)',
    ],
    ['one that is not there', { 'compose.yaml': 'services: {a: {extends: b}}' }, 'there is no service b in compose.yaml to extend'],
    ['one of a file that is not there', { 'compose.yaml': 'services: {a: {extends: {service: b, file: ../o.yaml}}}' }, 'there is no file /o.yaml'],
    ['a file alone', { 'compose.yaml': 'services: {a: {extends: {file: o.yaml}}}' }, 'it does not say what is extended'],
    ['a list', { 'compose.yaml': 'services: {a: {extends: [b]}}' }, 'it does not say what is extended'],
  ])('of %s is refused', (_what, files, message) => {
    expect(() => valueOf(files)).toThrow(message);
  });

  it('stays small and quick where a hostile file extends a thousand times', () => {
    const names = Array.from({ length: 900 }, (_, index) => `  s${index + 1}: {extends: s${index}, labels: [n${index}=1]}`);
    const files = { 'compose.yaml': ['services:', '  s0: {image: x}', ...names].join('\n') };
    expect(service(files, 's900')).toMatchObject({ image: 'x', labels: { n0: '1', n899: '1' } });
  });
});

describe('include', () => {
  it('takes in what other files have, each with paths and variables of its own directory', () => {
    const files = {
      'compose.yaml': 'name: shop\ninclude: [db/compose.yaml]\nservices: {a: {image: "x:${TAG:-none}", depends_on: [db]}}',
      'db/compose.yaml':
        'name: db\nservices: {db: {image: "y:$TAG", build: {args: [ARG]}, env_file: e.env, environment: [OWN, NONE], secrets: [pw]}}\nsecrets: {pw: {file: pw.txt}}',
      'db/.env': 'TAG=from-db\nOWN=${TAG}!\nARG=1\nSET=not this',
    };
    expect(valueOf(files, [], { SET: 'x' })).toEqual({
      name: 'shop',
      services: {
        a: { image: 'x:none', depends_on: { db: { condition: 'service_started' } } },
        db: {
          image: 'y:from-db',
          build: { context: '/p/db', args: { ARG: '1' } },
          env_file: [{ path: '/p/db/e.env' }],
          environment: { OWN: 'from-db!', NONE: null },
          secrets: [{ source: 'pw' }],
        },
      },
      secrets: { pw: { file: '/p/db/pw.txt' } },
    });
  });

  it('lays several paths of one entry upon one another, from the directory and with the variables that it names', () => {
    const files = {
      'compose.yaml': 'include: [{path: [b.yaml, more/c.yaml], project_directory: proj, env_file: [one.env, two.env]}]\nservices: {}',
      'b.yaml': 'services: {b: {image: "$I", env_file: x.env, command: [one]}}',
      'more/c.yaml': 'services: {b: {command: ["$J"]}}',
      'one.env': 'I=1\nJ=1',
      'two.env': 'J=2',
      'proj/.env': 'I=not this',
    };
    expect(service(files, 'b')).toEqual({ image: '1', env_file: [{ path: '/p/proj/x.env' }], command: ['2'] });
  });

  it('is overruled by what is laid upon the whole, and not by the file that includes', () => {
    const files = {
      'compose.yaml': 'include: [b.yaml]\nservices: {a: {image: x}}',
      'b.yaml': 'services: {b: {image: y, ports: ["80:80"]}}\nnetworks: {n: {internal: true}}',
      'over.yaml': 'services: {b: {image: z, ports: !reset []}}',
    };
    expect(service(files, 'b', ['over.yaml'])).toEqual({ image: 'z' });
    expect(() => valueOf({ ...files, 'compose.yaml': 'include: [b.yaml]\nservices:\n  b: {image: z}' })).toThrow(
      'compose.yaml:1: include.0: services.b is there already, and says something else',
    );
    expect(
      service({ ...files, 'compose.yaml': 'include: [b.yaml, c.yaml]\nnetworks: {n: {internal: true}}', 'c.yaml': 'include: [b.yaml]' }, 'b'),
    ).toMatchObject({ image: 'y' });
  });

  it.each<[string, Files, string]>([
    ['itself', { 'compose.yaml': 'include: [compose.yaml]' }, 'include.0: files include one another: compose.yaml → compose.yaml'],
    [
      'one that includes it',
      { 'compose.yaml': 'include: [b/b.yaml]', 'b/b.yaml': 'include: [../compose.yaml]' },
      'files include one another: compose.yaml → b/b.yaml → compose.yaml',
    ],
    ['a file that is not there', { 'compose.yaml': 'include: [b.yaml]' }, 'there is no file /p/b.yaml'],
    ['another machine’s', { 'compose.yaml': 'include: ["https://example.test/a.git"]' }, 'https://example.test/a.git is not on this machine'],
    ['nothing', { 'compose.yaml': 'include: [{project_directory: x}]' }, 'it does not say what is included'],
    [
      'a file with variables that are none',
      { 'compose.yaml': 'include: [b.yaml]', 'b.yaml': 'services: {}', '.env': 'A=1\nB=5$' },
      '.env: line 2: a dollar in the value begins no variable',
    ],
    ['no list', { 'compose.yaml': 'include: b.yaml' }, 'include: it is no list'],
  ])('of %s is refused', (_what, files, message) => {
    expect(() => valueOf(files)).toThrow(message);
  });

  it('reads a hundred files at most, however they include one another', () => {
    // Two of each below each: 2^20 without a bound.
    const level = (n: number): [string, string] => [n === 0 ? 'compose.yaml' : `l${n}.yaml`, `include: [l${n + 1}.yaml, l${n + 1}.yaml]\nservices: {}`];
    const files = Object.fromEntries([...Array.from({ length: 20 }, (_, n) => level(n)), ['l20.yaml', 'services: {b: {image: x}}']]) as Files;
    expect(() => valueOf(files)).toThrow('a project is read from 100 files at most');
  });

  it('says of a mistake in a file that was included where it stands', () => {
    const files = { 'compose.yaml': 'include: [b.yaml]\nservices: {a: {image: x}}', 'b.yaml': '\nservices:\n  b:\n    shape: round' };
    expect(() => readProject(sourcesOf(files))).toThrow('b.yaml:4: services.b.shape: there is no such key');
  });
});

describe('tags', () => {
  const base = 'services: {a: {image: x, command: [c], environment: {A: 1, B: 2}, ports: ["80:80", "81:81"], healthcheck: {test: [CMD, t], retries: 2}}}';
  it.each([
    ['ports: !reset []', { ports: 'gone' }],
    ['ports: !reset null', { ports: 'gone' }],
    ['ports: !override ["82:82"]', { ports: [{ target: 82, published: '82' }] }],
    ['environment: {A: !reset null, C: 3}', { environment: { B: 2, C: 3 } }],
    ['environment: !override [C=3]', { environment: { C: '3' } }],
    ['healthcheck: !override {test: [NONE]}', { healthcheck: { test: ['NONE'] } }],
    ['command: !reset', { command: 'gone' }],
    ['image: !override y', { image: 'y' }],
  ])('%s', (yaml, expected) => {
    const merged = service({ 'compose.yaml': base, 'over.yaml': `services: {a: {${yaml}}}` }, 'a', ['over.yaml']) as object;
    expect({ ports: 'gone', command: 'gone', ...merged }).toMatchObject(expected);
  });

  it('hold for what is extended, and through anchors', () => {
    const text = 'x-f: &f {ports: !override ["1:1"], tty: true}\nservices:\n  b: {image: x, ports: ["80:80"]}\n  a: {extends: b, <<: *f}';
    expect(service({ 'compose.yaml': text })).toEqual({ image: 'x', ports: [{ target: 1, published: '1' }], tty: true });
    expect(service({ 'compose.yaml': text }, 'b')).toMatchObject({ ports: [{ target: 80, published: '80' }] });
  });

  it.each([
    ['ports: [!reset "80:80"]', 'services.a.ports.0: !reset stands within a list'],
    ['ports: !other []', 'Unresolved tag: !other'],
  ])('%s is refused', (yaml, message) => {
    expect(() => service({ 'compose.yaml': `services: {a: {${yaml}}}` })).toThrow(message);
  });
});
