/** Checkpoints that are not what they were are never turned into processes; the visitor gets the page all the same, by another way. */
import { cp, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreatedSiteReply, TemplateReply } from '../../src/api/types.ts';
import type { RestingState } from '../../src/domain/state.ts';
import { poll } from '../../src/lib/deadline.ts';
import { TestPlatform } from '../helpers/platform.ts';

const [ONE, OTHER] = ['one.localhost', 'other.localhost'];
let platform: TestPlatform;
let sites: Record<string, CreatedSiteReply>;

const checkpointOf = (domain: string): string => join(platform.state, 'sites', sites[domain]?.id ?? '', 'checkpoint');
const sleep = (domain: string, to: RestingState) => platform.sleep(domain, to);
const templateDir = async (): Promise<string> => {
  const template = (await platform.json<TemplateReply[]>('template', 'ls')).find((one) => one.role === 'public');
  return join(platform.state, 'templates', template?.name ?? 'none');
};
/** A visitor comes; how the site woke for it. */
async function originOfVisit(domain: string): Promise<unknown> {
  const reply = await platform.fetch(domain, '/');
  expect([reply.status, reply.text.includes(`<title>${domain}</title>`)]).toEqual([200, true]);
  return (await platform.events(domain)).findLast((event) => event.type === 'instance.woken')?.facts?.['origin'];
}
/** Changes one byte of the memory that it holds. */
async function flipByte(dir: string): Promise<void> {
  const name = (await readdir(dir)).find((one) => /^pages-.*\.img$/u.test(one));
  const path = join(dir, name ?? 'none');
  const bytes = await readFile(path);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

beforeAll(async () => {
  platform = await TestPlatform.start();
  sites = { [ONE]: await platform.createSite(ONE, '--title', ONE), [OTHER]: await platform.createSite(OTHER, '--title', OTHER) };
  await platform.api.post('/v1/templates');
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('a checkpoint of a site’s own', () => {
  it.each<[what: string, tamper: (dir: string) => Promise<unknown>]>([
    ['has a changed byte', flipByte],
    ['has a file more', (dir) => writeFile(join(dir, 'core-99.img'), '')],
    ['has a file less', (dir) => rm(join(dir, 'files.img'))],
    [
      'leads elsewhere with one of its files',
      (dir) => rename(join(dir, 'files.img'), join(dir, '..', 'files.img')).then(() => symlink('../files.img', join(dir, 'files.img'))),
    ],
    ['has no seal', (dir) => rm(join(dir, 'seal.json'))],
  ])('that %s is not used, and gone', async (_what, tamper) => {
    await platform.wake(ONE);
    await sleep(ONE, 'checkpointed');
    await tamper(checkpointOf(ONE));
    expect(await originOfVisit(ONE)).toBe('template');
    expect(await readdir(checkpointOf(ONE)).catch(() => 'gone')).toBe('gone');
    expect((await platform.events()).findLast((event) => event.type === 'checkpoint.discarded')?.facts).toMatchObject({ site: sites[ONE]?.id });
  });

  it('does not bring its site’s processes to life as another site', async () => {
    for (const domain of [ONE, OTHER]) {
      await platform.wake(domain);
      await platform.fetch(domain, '/');
      await sleep(domain, 'checkpointed');
    }
    await rm(checkpointOf(OTHER), { recursive: true });
    await cp(checkpointOf(ONE), checkpointOf(OTHER), { recursive: true, preserveTimestamps: true });
    expect(await originOfVisit(OTHER)).toBe('template');
    expect(await originOfVisit(ONE)).toBe('checkpoint');
  });

  it('does not bring back code that was changed meanwhile', async () => {
    const path = join(checkpointOf(ONE), '..', 'content', 'plugins', 'version.php');
    const say = async (word: string): Promise<void> => {
      await platform.plantPhp(ONE, 'version.php', `<?php echo "${word} ", (int) opcache_is_script_cached(__FILE__);`);
    };
    const said = async (): Promise<string> => (await platform.fetch(ONE, '/wp-content/plugins/version.php')).text;
    await say('old');
    const before = new Date(Date.now() - 60_000); // PHP keeps nothing compiled that is quite new
    await utimes(path, before, before);
    await platform.wake(ONE);
    expect(await said()).toBe('old 1');
    await sleep(ONE, 'checkpointed');
    await say('new');
    expect(await originOfVisit(ONE)).toBe('checkpoint');
    expect(await poll(async () => (await said()).startsWith('new'), { timeoutMs: 120_000, everyMs: 200 })).toBe(true);
  });

  it('does not count once the site’s secrets are others', async () => {
    await platform.wake(ONE);
    await sleep(ONE, 'checkpointed');
    const config = join(checkpointOf(ONE), '..', 'config', 'public', 'config.php');
    await writeFile(config, `${await readFile(config, 'utf8')}// changed\n`);
    expect(await originOfVisit(ONE)).toBe('template');
  });
});

describe('a template', () => {
  it('that has a changed byte is not used: the site boots, and the next one is made in time', async () => {
    await sleep(ONE, 'cold');
    await flipByte(await templateDir());
    expect(await originOfVisit(ONE)).toBe('boot');
    expect((await platform.events()).findLast((event) => event.type === 'template.discarded')?.cause).toMatch(/is not what it was/u);
    await platform.api.post('/v1/templates');
    await sleep(ONE, 'cold');
    expect(await originOfVisit(ONE)).toBe('template');
  });

  it('that was changed while nobody ran is found out at the next start', async () => {
    await sleep(ONE, 'cold');
    const dir = await templateDir();
    expect((await platform.cli(['down'])).code).toBe(0);
    await flipByte(dir);
    await platform.up();
    expect((await platform.events()).findLast((event) => event.type === 'template.discarded')?.cause).toMatch(/is not what it was/u);
    expect(await originOfVisit(ONE)).toMatch(/^(?:boot|template)$/u);
  });
});
