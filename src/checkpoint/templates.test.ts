import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SubakoEvent } from '../domain/events.ts';
import type { BundleSpec } from '../runtime/bundle/bundle-spec.ts';
import { Sealer } from './seal.ts';
import type { TemplateOf } from './template-maker.ts';
import { Templates } from './templates.ts';

const SPEC: BundleSpec = {
  rootfs: '/image',
  hostname: 'site',
  args: ['php-fpm'],
  env: {},
  cwd: '/',
  uid: 33,
  gid: 33,
  hostIdBase: 100_000,
  mounts: [],
  cgroupPath: '/x',
  limits: { memoryBytes: 1000, cpus: 1, pids: 10 },
  network: 'none',
};
const STACK = { name: 'wordpress', template: {}, bundle: ({ role }: { role: string }) => ({ ...SPEC, hostname: role }) };
const WHAT = { stack: STACK, image: { digest: 'sha256:one' }, role: 'public' } as unknown as TemplateOf;

let dir: string;
let now: number;
let told: [SubakoEvent['type'], string][];
let prove: () => Promise<void>;
/** Happens while a template is made, before it is sealed. */
let meanwhile: () => Promise<void>;
let templates: Templates;

function daemon(): Templates {
  return new Templates({
    dir,
    runtime: { checkpoints: { environment: '' } } as never,
    sealer: new Sealer(Buffer.alloc(32)),
    maker: {
      make: async (_what: unknown, into: string) => {
        await writeFile(join(into, 'pages'), `made at ${now}`);
        await meanwhile();
      },
      prove: () => prove(),
      clear: async () => undefined,
      contextOf: (_image: unknown, role: string) => ({ role }),
    } as never,
    emit: ({ type, cause = '' }) => void told.push([type, cause]),
    now: () => now,
    settings: { templateAge: 1_000, templateRestores: 3 },
  });
}

const load = (): Promise<void> => templates.load([{ stack: WHAT.stack, image: WHAT.image }]);
const use = async (): Promise<string> => (await templates.use(WHAT)) ?? 'none';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'subako-templates-'));
  now = 1;
  told = [];
  prove = async () => undefined;
  meanwhile = async () => undefined;
  templates = daemon();
  await load();
});

afterEach(async () => {
  await templates.stop();
  await rm(dir, { recursive: true });
});

it('serve until the next one is there, and what began before reads on', async () => {
  await templates.make(WHAT);
  const first = await use();
  now = 2_000;
  const during: string[] = [];
  meanwhile = async () => void during.push(await use());
  await templates.renewWorn();
  const second = await use();
  expect(during).toEqual([first]);
  expect(second).not.toBe(first);
  expect(await readdir(first)).toEqual(await readdir(second));
});

it('are worn by their age, and by how often they were restored', async () => {
  await templates.make(WHAT);
  const first = await use();
  await templates.renewWorn();
  expect(await use()).toBe(first);
  await use();
  await templates.renewWorn();
  expect(await use()).not.toBe(first);
});

it('are found again by the next daemon: the newest that is in order, and nothing else stays', async () => {
  await templates.make(WHAT);
  now = 2;
  await templates.make(WHAT);
  const newest = await use();
  const broken = join(dir, (await readdir(dir))[0]?.slice(0, -6).concat('sbroke') ?? '');
  await mkdir(broken);
  await mkdir(join(dir, '.draft-left'));
  templates = daemon();
  await load();
  expect(await use()).toBe(newest);
  expect((await readdir(dir)).map((name) => join(dir, name))).toEqual([newest]);
});

it('go on serving after a site could not be restored, where nobody’s container can', async () => {
  await templates.make(WHAT);
  const made = await use();
  const proof = Promise.withResolvers<void>();
  prove = () => proof.promise;
  templates.doubt(made, 'CRIU ended with 1');
  templates.doubt(made, 'again');
  expect([await use(), templates.served().length]).toEqual(['none', 1]);
  proof.resolve();
  await expect.poll(use, { timeout: 60_000 }).toBe(made);
  expect(told.slice(1)).toEqual([['template.proven', 'CRIU ended with 1']]);
});

it('are put aside where nobody’s container can be restored either', async () => {
  await templates.make(WHAT);
  const made = await use();
  prove = () => Promise.reject(new Error('no'));
  templates.doubt(made, 'CRIU ended with 1');
  await expect.poll(() => templates.served(), { timeout: 60_000 }).toEqual([]);
  await expect.poll(() => told.at(-1), { timeout: 60_000 }).toEqual(['template.discarded', expect.stringMatching(/^CRIU ended with 1; nobody’s .*no$/u)]);
  expect((await readdir(dir)).map((name) => join(dir, name))).toEqual([`${made}.bad`]);
  expect(await use()).toBe('none');
});
