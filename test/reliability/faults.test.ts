/** What goes wrong, and what is left of it: nothing. */
import { mkdir, readdir, readFile, rename, stat, statfs, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SiteReply, StatusReply, TemplateReply } from '../../src/api/types.ts';
import { exec } from '../../src/lib/exec.ts';
import { poll } from '../../src/lib/deadline.ts';
import { isRunning, TestPlatform } from '../helpers/platform.ts';
import { wrongs } from './checker.ts';
import { PATIENT, WHOLE } from './whole.ts';

const SITE = 'faults.localhost';
let platform: TestPlatform;
let siteId: string;

const toCold = () => platform.sleep(SITE, 'cold');
const lastEvent = async (type: string) => (await platform.events(SITE)).findLast((event) => event.type === type);
const failures = async () => (await platform.events(SITE)).filter((event) => event.type === 'instance.wake-failed');
/** Of the site; a template may be in the making at any time. */
const templates = async () => (await platform.api.get<TemplateReply[]>('/v1/templates')).map(({ name }) => name);
const freeBytes = () => statfs(platform.state).then(({ bavail, bsize }) => bavail * bsize);
const containers = async (id = siteId) => (await platform.cgroups()).filter((line) => line.includes(id));
const siteIds = () => readdir(join(platform.state, 'sites'));
const remove = (domain: string) => platform.api.delete(`/v1/sites/${domain}`);

beforeAll(async () => {
  platform = await TestPlatform.start();
  siteId = (await platform.createSite(SITE)).id;
  // What is measured on a busy machine may speak for a checkpoint of its own.
  await platform.set(SITE, 'checkpoint=never');
  await platform.plantPhp(
    SITE,
    'die.php',
    '<?php file_put_contents("/srv/wordpress/wp-content/uploads/runs.txt", "x", FILE_APPEND); posix_kill(getmypid(), 9);',
  );
  await platform.plantPhp(SITE, 'slow.php', '<?php sleep((int) $_GET["s"]); echo "done";');
  await platform.plantPhp(SITE, 'eat.php', '<?php ini_set("memory_limit", "-1"); $all = []; while (true) { $all[] = str_repeat(random_bytes(1024), 1024); }');
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('a request that reached PHP', () => {
  it('is never run twice, though its worker died', async () => {
    const reply = await platform.fetch(SITE, '/wp-content/plugins/die.php', { method: 'POST', body: 'x' });
    expect(reply.status).toBe(502);
    expect(reply.text).toContain('was not sent a second time');
    const runs = await platform.inside(SITE, ['cat', '/srv/wordpress/wp-content/uploads/runs.txt']);
    expect(runs.stdout).toBe('x');
  });
});

describe('a container that dies', () => {
  it('is replaced at the next request, and an event says why', async () => {
    await platform.fetch(SITE, '/');
    const pid = (await platform.row(SITE)).pid ?? 0;
    process.kill(pid, 'SIGKILL');
    await poll(() => !isRunning(pid), { timeoutMs: 120_000, everyMs: 5 });
    const reply = await platform.fetch(SITE, '/');
    expect(reply.status).toBe(200);
    expect(reply.headers['server-timing']).toContain('wake;desc="cold"');
    expect((await platform.row(SITE)).pid).not.toBe(pid);
    expect(await lastEvent('instance.died')).toMatchObject({ cause: 'exited' });
  });

  it('or one of its workers, for want of memory: told as such, and the site goes on', async () => {
    const reply = await platform.fetch(SITE, '/wp-content/plugins/eat.php');
    expect(reply.status).toBe(502);
    const told = await poll(async () => (await platform.events(SITE)).some((event) => event.cause === 'out of memory'), { timeoutMs: 120_000, everyMs: 200 });
    expect(told).toBe(true);
    expect((await platform.fetch(SITE, '/')).status).toBe(200);
  });
});

describe('a site that cannot start', () => {
  it('gets 503 with Retry-After for all who wait, backs off, and recovers by itself', async () => {
    await toCold();
    const config = join(platform.state, 'sites', siteId, 'config');
    const [before, templatesBefore] = [(await failures()).length, await templates()];
    await rename(config, `${config}.away`);
    try {
      const replies = await Promise.all(Array.from({ length: 5 }, () => platform.fetch(SITE, '/')));
      // At once: its first pause is two seconds.
      const again: unknown = await platform.wake(SITE).catch((error: unknown) => error);
      for (const reply of replies) {
        expect(reply.status).toBe(503);
        expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0);
        expect(reply.headers['cache-control']).toBe('no-store');
        expect(reply.text).toContain('could not be started');
      }
      expect(again).toMatchObject({ code: 'backing_off' });
      expect((await failures()).length).toBe(before + 1);
      expect(await containers()).toEqual([]);
      // One broken site takes the template from nobody.
      expect(await templates()).toEqual(templatesBefore);
    } finally {
      await rename(`${config}.away`, config);
    }
    expect(await poll(async () => (await platform.fetch(SITE, '/')).status === 200, { timeoutMs: 120_000, everyMs: 250 })).toBe(true);
  });
});

describe('going to sleep', () => {
  it('happens when nobody has asked for a while, and not while somebody is being served', async () => {
    await platform.set(SITE, 'idle=2s');
    await platform.fetch(SITE, '/');
    const slow = platform.fetch(SITE, '/wp-content/plugins/slow.php?s=5');
    await sleep(4_000);
    expect((await platform.row(SITE)).state).toBe('running');
    expect((await slow).text).toBe('done');
    await platform.untilState(SITE, 'cold');
    expect(await lastEvent('instance.slept')).toMatchObject({ cause: 'idle' });
    await platform.set(SITE, 'idle=15m');
  });

  it('waits for a running request when it is told to', async () => {
    await platform.fetch(SITE, '/');
    const slow = platform.fetch(SITE, '/wp-content/plugins/slow.php?s=2');
    await sleep(500);
    await toCold();
    expect((await slow).text).toBe('done');
  });

  it('comes at the end of its lifetime, used or not', async () => {
    await platform.fetch(SITE, '/');
    await platform.set(SITE, 'lifetime=1s');
    await platform.untilState(SITE, 'cold');
    expect(await lastEvent('instance.slept')).toMatchObject({ cause: 'lifetime' });
    await platform.set(SITE, 'lifetime=1d');
  });

  it('loses no request, however often it happens under load', async () => {
    const end = Date.now() + 6_000;
    const statuses: number[] = [];
    const visitor = async (): Promise<void> => {
      while (Date.now() < end) statuses.push((await platform.fetch(SITE, '/wp-content/plugins/slow.php?s=0')).status);
    };
    const sleeper = async (): Promise<void> => {
      while (Date.now() < end) await toCold();
    };
    await Promise.all([visitor(), visitor(), visitor(), sleeper()]);
    expect(statuses.length).toBeGreaterThan(20);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });
});

describe('creating a site', () => {
  it('twice is refused, and the first is untouched', async () => {
    await expect(platform.createSite(SITE.toUpperCase())).rejects.toMatchObject({ code: 'already_exists', hint: expect.any(String) as string });
    expect((await platform.fetch(SITE, '/')).status).toBe(200);
  });

  it('twice at the same time makes one', async () => {
    const results = await Promise.allSettled([1, 2].map(() => platform.createSite('twin.localhost')));
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    await remove('twin.localhost');
  });

  it('with no disk left leaves nothing, and works when there is room again', async () => {
    const sites = join(platform.state, 'sites');
    const before = await siteIds();
    await exec(['mount', '-t', 'tmpfs', '-o', 'size=2m,mode=711', 'tmpfs', sites]);
    try {
      await expect(platform.createSite('full.localhost')).rejects.toMatchObject({ code: 'no_space' });
      expect(await siteIds()).toEqual([]);
    } finally {
      await exec(['umount', sites]);
    }
    expect(await siteIds()).toEqual(before);
    expect(await platform.api.get<SiteReply[]>('/v1/sites')).toHaveLength(1);
    await platform.createSite('full.localhost');
    expect((await platform.fetch('full.localhost', '/')).status).toBe(200);
    await remove('full.localhost');
    expect(await siteIds()).toEqual(before);
  });
});

describe('removing a site', () => {
  it('leaves no file, route, container or database', async () => {
    const { id } = await platform.createSite('gone.localhost');
    await platform.fetch('gone.localhost', '/');
    await remove('gone.localhost');
    expect((await platform.fetch('gone.localhost', '/')).status).toBe(421);
    const found = await exec(['find', platform.state, platform.run, '-name', `*${id}*`, '-not', '-path', '*/events*']);
    expect(found.stdout).toBe('');
    expect(await containers(id)).toEqual([]);
  });
});

describe('a tenant that fills its place with what is hard to remove', () => {
  it('is put to sleep and removed like any other, and the platform starts again', async () => {
    const domain = 'deep.localhost';
    await platform.createSite(domain);
    const dig =
      'for top in /tmp /srv/wordpress/wp-content; do cd $top; for i in $(seq 60); do d=$(printf %0200d $i); mkdir $d && cd -P $d || break; done; done; ln -s / /tmp/root';
    expect((await platform.inside(domain, ['sh', '-c', dig])).code).toBe(0);
    // Links, inside and out, to what is not the tenant's.
    const canary = join(platform.dir, 'canary');
    await mkdir(canary, { mode: 0o700 });
    await writeFile(join(canary, 'file'), 'as it was', { mode: 0o600 });
    const link = 'for top in /tmp /srv/wordpress/wp-content /srv/wordpress/wp-content/uploads; do ln -s "$0" $top/canary; ln -s "$0/file" $top/file; done';
    expect((await platform.inside(domain, ['sh', '-c', link, canary])).code).toBe(0);
    const facts = async () => {
      const { mode, uid, gid, mtimeMs } = await stat(join(canary, 'file'));
      return { text: await readFile(join(canary, 'file'), 'utf8'), mode, uid, gid, mtimeMs, in: await readdir(canary) };
    };
    const before = await facts();
    await platform.sleep(domain, 'cold');
    expect((await platform.fetch(domain, '/')).status).toBe(200);
    await remove(domain);
    expect(await siteIds()).toEqual([siteId]);
    expect(await facts()).toEqual({ ...before, text: 'as it was' });
  });

  it('cannot fill the host’s run directory', async () => {
    const fill = 'for d in /run/subako /var/cache/opcache; do (echo x > $d/fill) 2>/dev/null && echo wrote $d; done; echo end';
    const { stdout } = await platform.inside(SITE, ['sh', '-c', fill]);
    expect(stdout).toBe('end\n');
  });

  it('fills with what visitors have it write nothing but the memory that it may have', PATIENT, async () => {
    await platform.wake(SITE);
    const before = await freeBytes();
    const fill = 'n=0; while [ $n -lt 40 ]; do head -c 50000000 /dev/zero > /tmp/$n || break; n=$((n + 1)); done; echo "wrote all"';
    const { stdout } = await platform.inside(SITE, ['sh', '-c', fill], { role: 'public' });
    expect(stdout).not.toContain('wrote all');
    expect(before - (await freeBytes())).toBeLessThan(500_000_000);
    expect(await poll(async () => (await platform.fetch(SITE, '/')).status === 200, { timeoutMs: 120_000, everyMs: 250 })).toBe(true);
    expect(await wrongs(platform, { sites: [SITE] })).toEqual([]);
  });
});

describe('a killed daemon', () => {
  it('is not missed by awake sites, which are adopted when it is back', async () => {
    await platform.fetch(SITE, '/');
    const before = await platform.row(SITE);
    await platform.killDaemon();
    const reply = await platform.fetch(SITE, '/');
    expect(reply.status).toBe(200);
    expect(reply.headers['server-timing']).toBeUndefined();
    await platform.up();
    expect((await platform.row(SITE)).pid).toBe(before.pid);
    const types = (await platform.events()).map((event) => event.type);
    expect(types).toContain('instance.adopted');
    expect(types.filter((type) => type === 'service.adopted')).toHaveLength(2);
    await toCold();
    expect((await platform.fetch(SITE, '/')).status).toBe(200);
  });

  it('makes a sleeping site answer 503 at once, not hang', async () => {
    await toCold();
    await platform.killDaemon();
    const reply = await platform.fetch(SITE, '/');
    expect(reply.status).toBe(503);
    expect(reply.headers['retry-after']).toBe('5');
    await platform.up();
    expect((await platform.fetch(SITE, '/')).status).toBe(200);
  });

  it('in the middle of a boot: the visitor gets an answer, and nothing leaks', async () => {
    for (const afterMs of WHOLE ? [2, 8, 15, 25, 40, 80, 160] : [2, 15, 40]) {
      await toCold();
      const pid = await platform.daemonPid();
      const visit = platform.fetch(SITE, '/');
      await sleep(afterMs);
      process.kill(pid, 'SIGKILL');
      expect([200, 503]).toContain((await visit).status);
      await poll(() => !isRunning(pid), { timeoutMs: 120_000, everyMs: 10 });
      await platform.up();
      expect((await platform.fetch(SITE, '/')).status).toBe(200);
      expect(await containers()).toHaveLength(1);
    }
  });

  it('in the middle of creating a site: no half site remains, and the second try works', async () => {
    const before = await siteIds();
    for (const afterMs of WHOLE ? [20, 100, 200, 350, 550, 900] : [100, 550]) {
      const pid = await platform.daemonPid();
      const creating = platform.createSite('half.localhost').then(
        () => true,
        () => false,
      );
      await sleep(afterMs);
      process.kill(pid, 'SIGKILL');
      const isMade = await creating;
      await poll(() => !isRunning(pid), { timeoutMs: 120_000, everyMs: 10 });
      await platform.up();
      if (isMade) await remove('half.localhost');
      expect(await siteIds()).toEqual(before);
    }
    await platform.createSite('half.localhost');
    expect((await platform.fetch('half.localhost', '/')).status).toBe(200);
    await remove('half.localhost');
  });

  it('can be cleared away with down, which leaves nothing', async () => {
    await platform.fetch(SITE, '/');
    await platform.killDaemon();
    expect((await platform.leftovers()).length).toBeGreaterThan(0);
    expect((await platform.cli(['down'])).code).toBe(0);
    expect(await platform.leftovers()).toEqual([]);
    await platform.up();
    expect((await platform.fetch(SITE, '/')).status).toBe(200);
  });
});

describe('the database and the edge', () => {
  it('are started again when they die, and sites go on', async () => {
    for (const name of ['database', 'edge'] as const) {
      const pid = (await services()).find((service) => service.name === name)?.pid ?? 0;
      process.kill(pid, 'SIGKILL');
      const back = await poll(async () => (await platform.fetch(SITE, '/').catch(() => undefined))?.status === 200, { timeoutMs: 120_000, everyMs: 200 });
      expect(back, `${name} did not come back`).toBe(true);
    }
    expect((await platform.events()).filter((event) => event.type === 'service.failed').length).toBeGreaterThanOrEqual(2);
  });
});

describe('the run directory', () => {
  it('is a file system in memory, also over what an older platform left in its place', async () => {
    await platform.json('down');
    await writeFile(join(platform.run, 'left'), '');
    await platform.up();
    expect(await readdir(platform.run)).not.toContain('left');
    expect((await platform.mounts()).filter((line) => line.includes(` ${platform.run} `))).toEqual([expect.stringContaining('tmpfs')]);
  });

  it('can be lost: the next up makes it again from the CMDB, and nothing of the old remains', async () => {
    await platform.fetch(SITE, '/');
    await platform.killDaemon();
    // As at a restart of the machine, what was mounted there is gone with it.
    for (const name of await readdir(join(platform.run, 'roots'))) await exec(['umount', '--lazy', join(platform.run, 'roots', name)]);
    await exec(['umount', '--lazy', platform.run]);
    await platform.up();
    expect((await platform.fetch(SITE, '/')).status).toBe(200);
    expect(await containers()).toHaveLength(1);
  });
});

describe('a second daemon', () => {
  it('on the same state is refused', async () => {
    const second = await platform.cli(['up', '--detach', '--http', '1', '--https', '2', '--json']);
    expect(second.code).toBe(1);
    expect(JSON.parse(lastLine(second.stderr))).toMatchObject({ error: { code: 'already_running' } });
  });

  it('on a taken port is refused, and told by whom it is taken', async () => {
    const squatter = createServer().listen(0, '0.0.0.0');
    await once(squatter, 'listening');
    const address = squatter.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const other = await TestPlatform.create();
    const refused = await other.cli(['up', '--detach', '--http', String(port), '--https', String(other.https), '--json']);
    squatter.close();
    expect(refused.code).toBe(1);
    const { error } = JSON.parse(lastLine(refused.stderr)) as { error: { code: string; message: string; hint: string } };
    expect(error.code).toBe('port_taken');
    expect(error.message).toContain(`pid ${process.pid}`);
    expect(error.hint).toContain('--http');
    expect(await other.stop()).toEqual([]);
  });
});

async function services(): Promise<{ name: string; pid: number | null }[]> {
  const { edge, database } = await platform.api.get<StatusReply>('/v1/status');
  return [
    { name: 'edge', pid: edge.pid },
    { name: 'database', pid: database.pid },
  ];
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
