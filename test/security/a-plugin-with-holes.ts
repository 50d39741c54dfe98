/**
 * A plugin that writes, reads, runs, queries and fetches whatever a stranger says, in either container of a site. From the public one nothing
 * is written and nothing reached; from the admin one nothing beyond the site. Part of isolation.test.ts.
 */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROLES } from '../../src/domain/role.ts';
import type { Role } from '../../src/domain/role.ts';
import { execAny } from '../../src/lib/exec.ts';
import { EVIL, GOOD } from '../helpers/neighbours.ts';
import type { Neighbours } from '../helpers/neighbours.ts';

type Hole = 'write' | 'read' | 'run' | 'query' | 'fetch';
type Asked = readonly [hole: Hole, first: string, second?: string];

/** Of the neighbour and of the machine; and the site's own, which the same holes give away. */
const SECRETS = { file: 'hive-file-5cLq', row: 'hive-row-8dWz', machine: 'hive-machine-2kPv' };
const OWN = { file: 'own-file-9xRt', row: 'own-row-4mJb' };
const MARK = 'written-through-a-hole';
/** A container sees its site's files there. */
const UPLOADS = '/srv/wordpress/wp-content/uploads';

export function aPluginWithHoles(sites: () => Neighbours): void {
  /** A service of this machine that is not for sites. */
  const service = createServer((_request, response) => response.end('machine'));
  let neighbour: string;
  let canary: string;

  /** What the holes let out, asked in one request of a stranger's. */
  async function ask<T = unknown>(role: Role, asked: readonly Asked[]): Promise<T[]> {
    const query = Buffer.from(JSON.stringify(asked.map(([hole, first, second = '']) => [hole, first, second]))).toString('base64');
    const path = `/wp-content/plugins/holes.php?asked=${encodeURIComponent(query)}`;
    const reply = await sites().platform.fetch(EVIL, path, { method: role === 'admin' ? 'POST' : 'GET' });
    expect(reply.status, reply.text).toBe(200);
    const answers = JSON.parse(reply.text) as T[];
    for (const [name, secret] of Object.entries(await secrets()))
      expect([name, answers.filter((answer) => JSON.stringify(answer).includes(secret))]).toEqual([name, []]);
    return answers;
  }

  async function secrets(): Promise<Record<string, string>> {
    const { admin, reader } = await sites().accessOf(sites().good);
    return { ...SECRETS, admin: admin.password, reader: reader.password };
  }

  const port = (): number => (service.address() as AddressInfo).port;

  beforeAll(async () => {
    const { platform, good } = sites();
    service.listen(0, '0.0.0.0');
    await once(service, 'listening');
    await platform.plantPhp(EVIL, 'holes.php', await readFile(new URL('../helpers/holes.php', import.meta.url), 'utf8'));
    for (const [site, { file, row }] of [
      [GOOD, SECRETS],
      [EVIL, OWN],
    ] as const) {
      await platform.plantPhp(site, 'secret.php', `<?php // ${file}`);
      expect(await platform.wordpress(site, `update_option("secret", "${row}"); echo "kept";`)).toMatchObject({ stdout: 'kept' });
    }
    neighbour = join(platform.state, 'sites', good.id);
    canary = join(platform.dir, 'canary');
    await writeFile(canary, SECRETS.machine, { mode: 0o644 });
  });

  afterAll(() => service.close());

  it.each(ROLES)('writes nothing but the site’s own, in the %s role', async (role) => {
    const { platform, evil } = sites();
    const beyond = [
      '/',
      '/etc/cron.d/',
      '/srv/wordpress/',
      '/srv/wordpress/wp-includes/',
      '/etc/subako/site/',
      '/run/mysqld/',
      '/proc/1/root/',
      '/proc/sys/kernel/',
      '/dev/',
      '/var/lib/mysql/',
    ];
    const ways = [
      `${neighbour}/content/uploads/`,
      `/srv/sites/${sites().good.id}/content/uploads/`,
      `${UPLOADS}/${'../'.repeat(12)}${neighbour}/content/`,
      `${platform.run}/hosts/${GOOD}/`,
      `${platform.dir}/`,
    ];
    const places = [...beyond, ...ways, `${UPLOADS}/`];
    const written = await ask(
      role,
      places.map((place) => ['write', `${place}${MARK}-${role}`, 'x']),
    );
    expect(places.filter((_, index) => written[index] !== false)).toEqual(role === 'admin' ? [`${UPLOADS}/`] : []);
    const images = ['state/images', 'state/toolbox', 'run/roots'].flatMap((path) => ['-path', join(platform.dir, path), '-prune', '-o']);
    const found = await execAny(['find', platform.dir, ...images, '-name', `${MARK}-${role}`, '-print']);
    expect(found.stdout.split('\n').filter(Boolean)).toEqual(
      role === 'admin' ? [join(platform.state, 'sites', evil.id, 'content/uploads', `${MARK}-${role}`)] : [],
    );
  });

  it.each(ROLES)('reads no byte of its neighbour’s or of the machine’s, in the %s role', async (role) => {
    const { platform, good } = sites();
    const inNeighbour = ['content/plugins/secret.php', 'secrets/database.json', `config/${role}/config.php`];
    const prefixes = ['', '/proc/1/root', '/proc/self/root', `${UPLOADS}/${'../'.repeat(12)}`];
    const places = [
      ...prefixes.flatMap((prefix) => [canary, ...inNeighbour.map((path) => join(neighbour, path))].map((path) => `${prefix}${path}`)),
      `/srv/sites/${good.id}/content/plugins/secret.php`,
      '/var/lib/mysql/mysql/global_priv.MAD',
      `${platform.state}/cmdb.sqlite`,
      '/proc/1/environ',
      '/proc/kcore',
      '/etc/shadow',
      `file://${canary}`,
    ];
    await ask(
      role,
      places.map((place) => ['read', place]),
    );
    const [own, linked] = await ask<string>(role, [
      ['read', '/srv/wordpress/wp-content/plugins/secret.php'],
      ['read', '/proc/self/root/srv/wordpress/wp-content/plugins/secret.php'],
    ]);
    expect([own, linked]).toEqual([expect.stringContaining(OWN.file), expect.stringContaining(OWN.file)]);
  });

  it.each(ROLES)('runs commands that see no other site and no more of the machine, in the %s role', async (role) => {
    const words = [...Object.values(SECRETS), OWN.file].flatMap((word) => ['-e', `'${word}'`]).join(' ');
    const [ran, search, neighbours, ...refused] = await ask<string | null>(role, [
      ['run', 'id -un; echo $((6 * 7))'],
      // Everything it can read but what the image brings.
      [
        'run',
        `grep -rlF ${words} /srv/wordpress/wp-content /etc /run /tmp /home /mnt /media /opt /root /dev/shm /var/lib/mysql /var/lib/subako /srv/sites /proc/[0-9]*/environ /proc/[0-9]*/mountinfo 2>/dev/null | sort`,
      ],
      [
        'run',
        `ls -d ${neighbour} /srv/sites /var/lib/subako ${sites().platform.state} 2>/dev/null; cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -cE '[m]ariadbd|[n]ginx|[n]ode'`,
      ],
      ...[
        'mount -t tmpfs none /tmp',
        'unshare -Ur id',
        'nsenter -t 1 -m id',
        'chroot /proc/1/root id',
        'mknod /tmp/disk b 8 0',
        'ln /proc/1/root/etc/passwd /tmp/hard',
      ].map((command): Asked => ['run', `${command} && echo done`]),
    ]);
    expect(ran).toBe('www-data\n42\n');
    expect(search?.split('\n').filter(Boolean)).toEqual(['/srv/wordpress/wp-content/plugins/secret.php']);
    expect(neighbours).toBe('0\n');
    for (const said of refused) expect(said ?? '').not.toContain('done');
  });

  it.each(ROLES)('queries its own database alone, in the %s role', async (role) => {
    const theirs = `site_${sites().good.id}`;
    const [own] = await ask(role, [['query', "' UNION SELECT option_value FROM wp_options WHERE option_name = 'secret"]]);
    expect(JSON.stringify(own)).toContain(OWN.row);
    const stolen = await ask(role, [
      ['query', `' UNION SELECT option_value FROM ${theirs}.wp_options WHERE option_name = 'secret`],
      ['query', `'; UPDATE ${theirs}.wp_options SET option_value = 'evil' WHERE option_name = 'secret`],
      ['query', `' UNION SELECT authentication_string FROM mysql.user WHERE user <> '`],
      ['query', `' UNION SELECT 'evil' INTO OUTFILE '/tmp/evil`],
    ]);
    for (const answer of stolen) expect(JSON.stringify(answer)).toMatch(/denied/u);
    const [loaded, changed] = await ask(role, [
      ['query', `' UNION SELECT IFNULL(LOAD_FILE('/etc/passwd'), 'none') -- `],
      ['query', `'; UPDATE wp_options SET option_value = 'changed' WHERE option_name = 'blogdescription`],
    ]);
    expect(JSON.stringify(loaded)).toContain('[["none"]]');
    expect(JSON.stringify(changed).includes('denied')).toBe(role === 'public');
    const kept = await sites().platform.wordpress(GOOD, 'echo get_option("secret");');
    expect(kept.stdout).toBe(SECRETS.row);
  });

  it.each(ROLES)('fetches nothing of the machine’s, in the %s role', async (role) => {
    const { platform } = sites();
    const addresses = ['127.0.0.1', '[::1]', '169.254.1.1', '169.254.169.254', '0.0.0.0', '2130706433', '[::ffff:127.0.0.1]'];
    const urls = [
      ...addresses.map((address) => `http://${address}:${port()}/`),
      'http://169.254.169.254/',
      `gopher://127.0.0.1:${port()}/_GET%20/`,
      `file://${canary}`,
    ];
    const sockets = ['api.sock', 'wake/wake.sock', `hosts/${GOOD}/public.sock`, 'database/mysqld.sock'].map((path): Asked => [
      'fetch',
      'http://localhost/v1/status',
      join(platform.run, path),
    ]);
    for (const answer of await ask(role, [...urls.map((url): Asked => ['fetch', url]), ...sockets])) expect(answer).toBe('');
    expect(await (await fetch(`http://127.0.0.1:${port()}/`)).text()).toBe('machine');
    // What it may reach: its own files, and from the admin role the door of the edge.
    const [own, edge] = await ask<string>(role, [
      ['fetch', 'file:///srv/wordpress/wp-content/plugins/secret.php'],
      ['fetch', `http://169.254.1.1:${platform.http}/`],
    ]);
    expect(own).toContain(OWN.file);
    expect(edge?.includes('no site with this name')).toBe(role === 'admin');
  });
}
