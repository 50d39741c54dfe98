/** wp-cron by the platform's clock: done in time, by a site that slept and sleeps again, and never by a visitor. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SiteReply } from '../../src/api/types.ts';
import { poll } from '../../src/lib/deadline.ts';
import { makeOlder } from '../helpers/older-site.ts';
import { TestPlatform } from '../helpers/platform.ts';

const ON = 'clock.localhost';
const OFF = 'still.localhost';
const PATIENCE = { timeoutMs: 150_000, everyMs: 500 };
let platform: TestPlatform;
let keyOfOff: string;

const PLUGIN = `<?php
/* Plugin Name: Timer */
add_action("timer_hook", function ($what) { update_option("timer_ran", get_option("timer_ran", "") . $what); });`;

const wordpress = async (domain: string, code: string): Promise<string> => {
  const result = await platform.wordpress(domain, code);
  expect(result.code, result.stderr).toBe(0);
  return result.stdout;
};

const runs = async (domain: string) => (await platform.events(domain)).filter(({ type }) => type === 'cron.ran');

/** A first piece of work that is due now, and a second that comes when the first was done. */
const plan = 'update_option("active_plugins", array("timer.php")); _set_cron_array(array()); wp_schedule_single_event(time() - 5, "timer_hook", array("x"));';

beforeAll(async () => {
  platform = await TestPlatform.start();
  for (const site of [ON, OFF]) {
    await platform.createSite(site);
    await platform.plantPhp(site, 'timer.php', PLUGIN);
    await wordpress(site, plan);
    await platform.sleep(site, 'cold');
  }
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('timed work', () => {
  it('is not run by visitors, whatever they ask for', async () => {
    expect((await platform.fetch(ON, '/wp-cron.php?doing_wp_cron=1')).status).toBe(404);
    expect((await platform.fetch(ON, '/')).status).toBe(200);
    expect(await wordpress(ON, 'echo get_option("timer_ran", "not yet");')).toBe('not yet');
    await platform.sleep(ON, 'cold');
  });

  it('is run when it is due, by a site that is woken for it and sleeps again', async () => {
    await platform.set(ON, 'cron=1s');
    expect(await poll(async () => (await runs(ON)).length > 0, PATIENCE)).toBe(true);
    // WordPress plans work of its own as soon as it is loaded.
    expect((await runs(ON))[0]?.facts?.['first']).toContain('timer_hook');
    const woken = (await platform.events(ON)).findLast(({ type }) => type === 'instance.woken');
    expect(woken?.cause).toBe('cron');
    const asleep = async (): Promise<boolean> => (await platform.events(ON)).some(({ type, cause }) => type === 'instance.slept' && cause === 'cron');
    expect(await poll(asleep, PATIENCE)).toBe(true);
    expect((await platform.row(ON)).state).toBe('cold');
    expect(await wordpress(ON, 'echo get_option("timer_ran");')).toBe('x');
  });

  it('is looked for again after the site was used, and also while it is awake', async () => {
    const before = (await runs(ON)).length;
    await wordpress(ON, '_set_cron_array(array()); wp_schedule_single_event(time() + 2, "timer_hook", array("y"));');
    const again = async (): Promise<boolean> => {
      await platform.fetch(ON, '/');
      return (await runs(ON)).length > before;
    };
    expect(await poll(again, PATIENCE)).toBe(true);
    expect(await wordpress(ON, 'echo get_option("timer_ran");')).toBe('xy');
  });

  it('goes on after one that fails', async () => {
    await platform.plantPhp(ON, 'timer.php', `${PLUGIN}\nadd_action("timer_bad", function () { throw new Exception("bad"); });`);
    await wordpress(
      ON,
      '_set_cron_array(array()); wp_schedule_single_event(time() - 9, "timer_bad"); wp_schedule_single_event(time() - 5, "timer_hook", array("z"));',
    );
    await platform.sleep(ON, 'cold');
    expect(await poll(async () => (await wordpress(ON, 'echo get_option("timer_ran");')) === 'xyz', PATIENCE)).toBe(true);
  });

  it('of a site that has it off waits for ever', async () => {
    expect(await runs(OFF)).toEqual([]);
    expect(await wordpress(OFF, 'echo get_option("timer_ran", "not yet");')).toBe('not yet');
  });

  it('is remembered by the platform when it starts again', async () => {
    await wordpress(ON, '_set_cron_array(array()); wp_schedule_single_event(time() + 1, "timer_hook", array("!"));');
    keyOfOff = await wordpress(OFF, 'echo AUTH_KEY;');
    await makeOlder(platform, OFF);
    await platform.up();
    expect(await poll(async () => (await wordpress(ON, 'echo get_option("timer_ran");')) === 'xyz!', { timeoutMs: 150_000, everyMs: 3_000 })).toBe(true);
  });
});

/** Made one by the test before: that is where the platform starts again. */
describe('a site of a Subako that had one container for all', () => {
  it('gets both roles at the next start, and keeps its keys and its data', async () => {
    const role =
      '<?php require "/srv/wordpress/wp-load.php"; echo SUBAKO_ROLE, " ", update_option("probe", uniqid()) ? "wrote" : "read", " ", get_option("blogname"), " ", AUTH_KEY;';
    await platform.plantPhp(OFF, 'role.php', role);
    const ask = async (method: string) => (await platform.fetch(OFF, '/wp-content/plugins/role.php', { method })).text;
    expect(await ask('GET')).toBe(`public read ${OFF} ${keyOfOff}`);
    expect(await ask('POST')).toBe(`admin wrote ${OFF} ${keyOfOff}`);
    expect(await platform.wordpress(OFF, 'echo get_user_by("login", "admin")->user_login;')).toMatchObject({ code: 0, stdout: 'admin' });
    const { settings } = await platform.api.get<SiteReply>(`/v1/sites/${OFF}`);
    expect(settings).toMatchObject({ mode: 'strict', 'admin.from': 'any', 'admin.password': 'none', cache: '1h' });
    const site = join(platform.state, 'sites', (await platform.row(OFF)).id);
    expect((await readdir(join(site, 'config'))).toSorted()).toEqual(['admin', 'public']);
  });
});
