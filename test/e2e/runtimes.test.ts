/** WordPress under each runtime that a site can be set to: it answers through the edge, wakes from cold and frozen, and survives the daemon. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SiteReply } from '../../src/api/types.ts';
import { poll } from '../../src/lib/deadline.ts';
import { unixConnections } from '../../src/lib/proc.ts';
import { cgroupsOf } from '../helpers/container-facts.ts';
import { TestPlatform } from '../helpers/platform.ts';

let platform: TestPlatform;

const domainOf = (runtime: string): string => `on-${runtime}.localhost`;
const titled = (domain: string): string => `<title>Title-of-${domain}`;

beforeAll(async () => {
  platform = await TestPlatform.start({ freezeAfter: 'never', idleTimeout: 'never' });
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

async function containerOf(domain: string): Promise<string> {
  const { pid } = await platform.row(domain);
  return [...(await cgroupsOf(pid ?? 0)).values()][0]?.split('/').at(-1) ?? '';
}

async function page(domain: string): Promise<{ text: string; timing: string }> {
  const { status, text, headers } = await platform.fetch(domain, '/');
  expect([status, text.includes('</html>')]).toEqual([200, true]);
  return { text, timing: String(headers['server-timing'] ?? '') };
}

describe.each(['runc', 'runsc'] as const)('a site under %s', (runtime) => {
  const domain = domainOf(runtime);

  beforeAll(async () => {
    await platform.createSite(domain, '--title', `Title-of-${domain}`);
    await platform.set(domain, `runtime=${runtime}`);
  });

  it('wakes from cold for a visitor, by a boot, and answers', async () => {
    const { text, timing } = await page(domain);
    expect(text).toContain(titled(domain));
    expect(timing).toContain('wake;desc="cold"');
    expect(await platform.row(domain)).toMatchObject({ state: 'running', runtime });
    expect((await page(domain)).timing).not.toContain('wake');
  });

  it('wakes from frozen', async () => {
    await platform.sleep(domain, 'frozen', 'public');
    const { text, timing } = await page(domain);
    expect(text).toContain(titled(domain));
    expect(timing).toContain('wake;desc="frozen"');
  });

  it('says that it is not checkpointed, and is not', async () => {
    expect(await platform.api.get<SiteReply>(`/v1/sites/${domain}`)).toMatchObject({ runtime, noCheckpoints: expect.stringContaining(runtime) as string });
    await expect(platform.sleep(domain, 'checkpointed', 'public')).rejects.toMatchObject({ code: 'conflict' });
    expect(await platform.row(domain)).toMatchObject({ state: 'running' });
  });

  it('runs commands beside its first process, as its user', async () => {
    const { stdout, code } = await platform.inside(domain, ['php8.4', '-n', '-r', 'echo getmyuid(), " ", php_sapi_name();'], { role: 'public' });
    expect([code, stdout]).toEqual([0, expect.stringMatching(/ cli$/u)]);
    expect((await platform.inside(domain, ['id', '-u'], { role: 'public' })).stdout).toBe('33\n');
  });

  it('writes to its content and database in the admin role', async () => {
    const code =
      'update_option("blogdescription", "told"); file_put_contents(WP_CONTENT_DIR . "/uploads/told.txt", "told"); echo get_option("blogdescription");';
    expect(await platform.wordpress(domain, code)).toMatchObject({ stdout: expect.stringContaining('told') as string });
    expect((await platform.fetch(domain, '/wp-content/uploads/told.txt')).text).toBe('told');
    expect((await page(domain)).text).toContain('told');
  });

  it('is not put to sleep under a request', async () => {
    await platform.plantPhp(domain, 'slow.php', '<?php usleep(1500000); echo "whole";');
    const slow = platform.fetch(domain, '/wp-content/plugins/slow.php');
    const inFlight = async (): Promise<boolean> => (await unixConnections()).get(`${await containerOf(domain)}.sock`) === 1;
    expect(await poll(inFlight, { timeoutMs: 10_000, everyMs: 5 })).toBe(true);
    await platform.sleep(domain, 'frozen', 'public');
    expect(await slow).toMatchObject({ status: 200, text: 'whole' });
  });

  it('reaches itself from the admin role, over its network', async () => {
    const code = `$got = wp_remote_get("http://${domain}:${platform.http}/"); echo is_wp_error($got) ? $got->get_error_message() : wp_remote_retrieve_response_code($got);`;
    expect(await platform.wordpress(domain, code)).toMatchObject({ stdout: '200' });
  });

  it('hands its mail to the platform, which refuses it without a relay', async () => {
    expect(await platform.wordpress(domain, 'echo json_encode(wp_mail("you@example.org", "subject", "text"));')).toMatchObject({ stdout: 'false' });
    expect((await platform.events(domain)).map(({ type }) => type)).toContain('mail.refused');
  });

  it('is adopted by the next daemon, and goes to sleep for it', async () => {
    const before = (await platform.row(domain)).pid;
    await platform.killDaemon();
    await platform.up();
    expect(await platform.row(domain)).toMatchObject({ pid: before, state: 'running', runtime });
    await page(domain);
    await platform.sleep(domain, 'cold');
    expect(await platform.row(domain)).toMatchObject({ pid: null, state: 'cold' });
  });

  it('is recycled into the runtime that it is set to while it runs', async () => {
    await page(domain);
    await platform.set(domain, 'runtime=crun');
    const changed = await poll(async () => (await platform.row(domain)).runtime === 'crun', { timeoutMs: 120_000, everyMs: 200 });
    expect(changed).toBe(true);
    expect((await page(domain)).text).toContain(titled(domain));
  });

  it('gives up the checkpoint that it had under crun', async () => {
    await platform.sleep(domain, 'checkpointed', 'public');
    expect(await platform.row(domain)).toMatchObject({ state: 'checkpointed' });
    await platform.set(domain, `runtime=${runtime}`);
    expect(await platform.row(domain)).toMatchObject({ state: 'cold' });
    await page(domain);
    expect(await platform.row(domain)).toMatchObject({ state: 'running', runtime });
  });
});
