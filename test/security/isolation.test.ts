/** What a hostile tenant can reach from inside its container, and through the edge: nothing that is not its own. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreatedSiteReply } from '../../src/api/types.ts';
import type { DatabaseAccess } from '../../src/database/tenants.ts';
import { ROLES } from '../../src/domain/role.ts';
import type { Role } from '../../src/domain/role.ts';
import { rangeBase } from '../../src/domain/uid-range.ts';
import { rawStatus, TestPlatform } from '../helpers/platform.ts';

const EVIL = 'evil.localhost';
const GOOD = 'good.localhost';
const EPERM = 1;
const ENOSYS = 38;
let platform: TestPlatform;
let good: CreatedSiteReply;
let evil: CreatedSiteReply;

/** Runs PHP as the tenant would: through a request, in a worker of the site's own FPM, of either role. */
async function asTenant<T>(code: string, role: Role = 'public'): Promise<T> {
  await platform.plantPhp(EVIL, 'probe.php', `<?php error_reporting(0); ${code}`);
  const method = role === 'admin' ? 'POST' : 'GET';
  const reply = await platform.fetch(EVIL, `/wp-content/plugins/probe.php?${Math.random()}`, { method });
  expect(reply.status).toBe(200);
  return JSON.parse(reply.text) as T;
}

const inside = (...argv: string[]) => platform.cli(['exec', EVIL, '--', ...argv]);

beforeAll(async () => {
  platform = await TestPlatform.start();
  // A changed file counts at once, so that a probe can be planted and asked without a pause.
  [good, evil] = [await platform.createSite(GOOD), await platform.createSite(EVIL)];
  await inside('sh', '-c', 'true');
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('the container of a site', () => {
  it.each(['a request', 'exec'])('has no capabilities, no new privileges and a filter, in %s', async (way) => {
    const status =
      way === 'exec' ? (await inside('cat', '/proc/self/status')).stdout : await asTenant<string>('echo json_encode(file_get_contents("/proc/self/status"));');
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(status).toMatch(new RegExp(`^${set}:\\s+0000000000000000$`, 'mu'));
    expect(status).toMatch(/^NoNewPrivs:\s+1$/mu);
    expect(status).toMatch(/^Seccomp:\s+2$/mu);
    expect(status).toMatch(/^Uid:\s+33\s+33\s+33\s+33$/mu);
  });

  it('is an unknown user on the host, in a range no other site has', async () => {
    const uids = await Promise.all(
      [GOOD, EVIL].map(async (domain) => {
        await platform.fetch(domain, '/');
        const status = await readFile(`/proc/${(await platform.row(domain)).pid}/status`, 'utf8');
        return Number(/^Uid:\s+(\d+)/mu.exec(status)?.[1]);
      }),
    );
    expect(new Set(uids).size).toBe(2);
    for (const uid of uids) expect(uid).toBeGreaterThan(rangeBase(16));
  });

  it('has one network interface in the public role, lo, and reaches no address', async () => {
    const interfaces = (await platform.cli(['exec', '--role', 'public', EVIL, '--', 'cat', '/proc/self/net/dev'])).stdout
      .split('\n')
      .filter((line) => line.includes(':'))
      .map((line) => line.split(':')[0]?.trim());
    expect(interfaces).toEqual(['lo']);
    expect(await asTenant(`echo json_encode(@stream_socket_client("tcp://127.0.0.1:${platform.http}", $e, $m, 1) === false);`)).toBe(true);
  });

  it('can write only what is its own', async () => {
    const places = [
      '/',
      '/etc',
      '/srv/wordpress',
      '/srv/wordpress/wp-includes',
      '/usr/share/subako',
      '/etc/subako',
      '/etc/subako/site',
      '/run/mysqld',
      '/srv/opcache',
      '/proc/sys/kernel',
      '/sys',
      '/sys/fs/cgroup',
      '/dev',
    ];
    const code = `$w = []; foreach (${JSON.stringify(places)} as $p) { if (file_put_contents("$p/probe", "x") !== false) $w[] = $p; } echo json_encode($w);`;
    for (const role of ROLES) expect([role, await asTenant(code, role)]).toEqual([role, []]);
    const own = `$w = []; foreach (["/tmp", "/srv/wordpress/wp-content", "/srv/wordpress/wp-content/uploads"] as $p) { $w[] = file_put_contents("$p/probe", "x"); } echo json_encode($w);`;
    expect(await asTenant(own, 'admin')).toEqual([1, 1, 1]);
    // What faces the public has nothing to write to but its scratch space.
    expect(await asTenant(own, 'public')).toEqual([1, false, false]);
    const compiled =
      'echo json_encode(array_map(fn($d) => @file_put_contents("$d/probe", "x"), array_filter(glob("/var/cache/opcache/*/srv/wordpress/*"), "is_dir")));';
    expect(Object.values(await asTenant<Record<string, unknown>>(compiled, 'public')).filter((one) => one !== false)).toEqual([]);
  });

  it('sees nothing of the host’s processes, files or mounts', async () => {
    const processes = (await inside('sh', '-c', 'ls -d /proc/[0-9]*')).stdout.trim().split('\n');
    expect(processes.length).toBeLessThan(12);
    const mounts = (await inside('cat', '/proc/self/mountinfo')).stdout;
    expect(mounts).not.toContain(good.id);
    expect((await inside('cat', '/proc/kcore')).stdout).toBe('');
    expect((await inside('cat', '/proc/keys')).stdout).toBe('');
  });

  it('cannot change its limits', async () => {
    const result = await inside(
      'sh',
      '-c',
      'for f in $(find /sys/fs/cgroup -name "memory.max" -o -name "memory.limit_in_bytes" -o -name cgroup.procs 2>/dev/null); do echo 0 > $f && echo wrote $f; done; echo end',
    );
    expect(result.stdout).toBe('end\n');
  });

  it('cannot start more processes than it may', async () => {
    const result = await inside('sh', '-c', 'for i in $(seq 200); do sleep 5 & done 2>/dev/null; ls -d /proc/[0-9]* | wc -l');
    expect(Number(result.stdout.trim() || '64')).toBeLessThanOrEqual(66);
    expect((await platform.fetch(GOOD, '/')).status).toBe(200);
  });
});

describe('system calls', () => {
  /** errno of a system call made with harmless arguments, by perl, which is in the image. */
  async function errnoOf(number: number, ...args: number[]): Promise<number> {
    const result = await inside('perl', '-e', `my $r = syscall(${[number, ...args].join(', ')}); print $r == -1 ? $!+0 : 0`);
    return Number(result.stdout);
  }

  it.each([
    ['unshare(CLONE_NEWUSER)', 272, [0x10000000]],
    ['setns', 308, [0, 0]],
    ['mount', 165, [0, 0, 0, 0, 0]],
    ['ptrace', 101, [0, 0, 0, 0]],
    ['bpf', 321, [0, 0, 0]],
    ['keyctl', 250, [0, 0, 0, 0, 0]],
    ['userfaultfd', 323, [0]],
    ['io_uring_setup', 425, [1, 0]],
    ['perf_event_open', 298, [0, 0, 0, 0, 0]],
    ['process_vm_readv', 310, [1, 0, 0, 0, 0, 0]],
    ['open_by_handle_at', 304, [0, 0, 0]],
    ['name_to_handle_at', 303, [0, 0, 0, 0, 0]],
    ['vmsplice', 278, [0, 0, 0, 0]],
    ['memfd_secret', 447, [0]],
    ['personality(ADDR_NO_RANDOMIZE)', 135, [0x40000]],
    ['socket(AF_ALG)', 41, [38, 5, 0]],
    ['socket(AF_VSOCK)', 41, [40, 1, 0]],
    ['socket(AF_PACKET)', 41, [17, 3, 0]],
    ['socket(NETLINK_XFRM)', 41, [16, 3, 6]],
    ['socket(AF_RXRPC)', 41, [33, 2, 2]],
    ['clone(CLONE_NEWNET)', 56, [0x40000011, 0, 0, 0, 0]],
  ] as const)('%s is refused', async (_name, number, args) => {
    expect(await errnoOf(number, ...args)).toBe(EPERM);
  });

  it('clone3 looks as if the kernel were too old for it', async () => {
    expect(await errnoOf(435, 0, 0)).toBe(ENOSYS);
  });

  it('that programs need are there: the probe can tell the difference', async () => {
    expect(await errnoOf(39)).toBe(0);
    expect(await errnoOf(41, 1, 1, 0)).toBe(0);
    expect(await errnoOf(135, 0xffffffff)).toBe(0);
  });
});

describe('through the edge', () => {
  it('no symbolic link in a tenant’s content leads out of it', async () => {
    const other = `/srv/sites/${good.id}/content/themes/twentytwentyfive/style.css`;
    await asTenant(
      `@symlink("${other}", "/srv/wordpress/wp-content/uploads/other.css"); @symlink("/etc/passwd", "/srv/wordpress/wp-content/uploads/passwd.txt"); @symlink("/srv/sites/${good.id}/content", "/srv/wordpress/wp-content/uploads/dir"); @symlink("/srv/subako/${good.domain}/pair.pem", "/srv/wordpress/wp-content/uploads/key.txt"); echo json_encode(1);`,
      'admin',
    );
    for (const path of ['other.css', 'passwd.txt', 'key.txt', 'dir/themes/twentytwentyfive/style.css']) {
      expect([path, (await platform.fetch(EVIL, `/wp-content/uploads/${path}`)).status]).toEqual([path, 404]);
    }
    // The same file, not linked, is served: the refusal is about the link.
    expect((await platform.fetch(GOOD, '/wp-content/themes/twentytwentyfive/style.css')).status).toBe(200);
  });

  it('no uploaded file is run, whatever it is called', async () => {
    for (const name of ['a.php', 'a.PHP', 'a.php.gif/x.php', 'a.gif', 'a.phtml', 'a.phar', 'a.php5']) {
      if (!name.includes('/')) await platform.plant(EVIL, `uploads/${name}`, 'GIF89a<?php echo "r"."un";');
      for (const path of [
        `/wp-content/uploads/${name}`,
        `/wp-content/uploads/${name}/x.php`,
        `/wp-content/uploads/${name}%00.php`,
        `/wp-content/uploads/${name}%0a.php`,
      ]) {
        const reply = await platform.fetch(EVIL, path);
        expect([path, /\brun\b/u.test(reply.text)]).toEqual([path, false]);
      }
    }
  });

  it('no answer of a tenant steers the edge', async () => {
    await platform.plantPhp(EVIL, 'accel.php', '<?php header("X-Accel-Redirect: /.subako/wake"); header("X-Accel-Buffering: no"); echo "mine";');
    const reply = await platform.fetch(EVIL, '/wp-content/plugins/accel.php');
    expect([reply.status, reply.text]).toEqual([200, 'mine']);
  });

  it('the internal locations are not to be had', async () => {
    for (const path of ['/.subako/wake', '/@wake', '/.subako/']) expect((await platform.fetch(GOOD, path)).status).toBe(404);
  });

  it('a request with two hosts, or a name that is none, is refused', async () => {
    expect((await platform.fetch('good.localhost/../evil.localhost', '/')).status).toBe(400);
    expect((await platform.fetch('..', '/')).status).toBe(400);
    expect(await rawStatus(platform.http, `GET / HTTP/1.1\r\nHost: ${GOOD}\r\nHost: ${EVIL}\r\nConnection: close\r\n\r\n`)).toBe(400);
    expect(await rawStatus(platform.http, `GET / HTTP/1.1\r\nHost: ${GOOD}\u0001\r\nConnection: close\r\n\r\n`)).toBe(400);
    expect(await rawStatus(platform.http, 'GET / HTTP/1.0\r\n\r\n')).toBe(421);
  });
});

describe('the database', () => {
  const connect = (database: string, user: string, password: string) =>
    asTenant<string>(
      `mysqli_report(MYSQLI_REPORT_OFF); $c = mysqli_init(); echo json_encode(@$c->real_connect("localhost", ${JSON.stringify(user)}, ${JSON.stringify(password)}, ${JSON.stringify(database)}) ? "connected" : mysqli_connect_error());`,
    );
  const access = async () => JSON.parse(await readFile(join(platform.state, 'sites', evil.id, 'secrets', 'database.json'), 'utf8')) as DatabaseAccess;
  const own = async () => {
    const { database, admin } = await access();
    return { database, ...admin };
  };

  it('lets a site into its own and into no other', async () => {
    const mine = await own();
    expect(await connect(mine.database, mine.user, mine.password)).toBe('connected');
    expect(await connect(`site_${good.id}`, mine.user, mine.password)).toContain('Access denied');
    expect(await connect('mysql', mine.user, mine.password)).toContain('Access denied');
    expect(await connect(mine.database, 'root', '')).toContain('Access denied');
    expect(await connect(mine.database, `site_${good.id}`, mine.password)).toContain('Access denied');
  });

  it('lets the public role read, and write nothing', async () => {
    const { database, reader } = await access();
    const query = (sql: string) =>
      asTenant<unknown>(
        `mysqli_report(MYSQLI_REPORT_OFF); $c = mysqli_connect("localhost", "${reader.user}", "${reader.password}", "${database}"); $r = $c->query(${JSON.stringify(sql)}); echo json_encode($r === false ? $c->error : ($r === true ? true : $r->fetch_all()));`,
      );
    expect(await query("SELECT option_value FROM wp_options WHERE option_name = 'blog_charset'")).toEqual([['UTF-8']]);
    for (const sql of [
      "INSERT INTO wp_options (option_name, option_value) VALUES ('evil', '1')",
      "UPDATE wp_users SET user_pass = ''",
      'DELETE FROM wp_posts',
      'DROP TABLE wp_posts',
      'CREATE TABLE evil (a INT)',
      'CREATE TEMPORARY TABLE evil (a INT)',
      'ALTER TABLE wp_posts ADD evil INT',
      'LOCK TABLES wp_options WRITE',
    ]) {
      expect([sql, await query(sql)]).toEqual([sql, expect.stringContaining('denied') as string]);
    }
    // Of the other account it knows neither the password nor where it lies.
    const seen = await asTenant<string>('echo json_encode(file_get_contents("/etc/subako/site/config.php"));');
    expect(seen).toContain(reader.password);
    expect(seen).not.toContain((await access()).admin.password);
  });

  it('reads and writes no files, and shows nothing of others', async () => {
    const mine = await own();
    const query = (sql: string) =>
      asTenant<unknown>(
        `mysqli_report(MYSQLI_REPORT_OFF); $c = mysqli_connect("localhost", "${mine.user}", "${mine.password}", "${mine.database}"); $r = $c->query(${JSON.stringify(sql)}); echo json_encode($r === false ? $c->error : ($r === true ? true : $r->fetch_all()));`,
      );
    expect(await query('SELECT 1 INTO OUTFILE "/tmp/x"')).toContain('Access denied');
    expect(await query('SELECT LOAD_FILE("/etc/passwd")')).toEqual([[null]]);
    expect(await query('LOAD DATA LOCAL INFILE "/etc/passwd" INTO TABLE wp_options')).toEqual(expect.any(String));
    expect(await query('SET GLOBAL max_connections = 5')).toContain('Access denied');
    expect(await query('INSTALL PLUGIN x SONAME "x.so"')).toContain('denied');
    expect(await query('SHOW DATABASES')).toEqual([['information_schema'], [mine.database]]);
    expect(await query('CREATE DATABASE other')).toContain('Access denied');
    const processes = (await query('SHOW PROCESSLIST')) as string[][];
    expect(new Set(processes.map((row) => row[1]))).toEqual(new Set([mine.user]));
  });
});

describe('secrets', () => {
  it('are in no log, no argument list and no bundle', async () => {
    const access = JSON.parse(await readFile(join(platform.state, 'sites', good.id, 'secrets', 'database.json'), 'utf8')) as DatabaseAccess;
    const root = (await readFile(join(platform.state, 'database', 'root.password'), 'utf8')).trim();
    for (const secret of [access.admin.password, access.reader.password, root, evil.admin.password, good.admin.password]) {
      const found = await platform.grep(secret);
      expect(
        found.filter(
          (path) => !/\/(?:secrets\/database\.json|config\/(?:admin|public)\/config\.php|database\/root\.password|database\/init\/init\.sql)$/u.test(path),
        ),
      ).toEqual([]);
    }
  });

  it('lie in files for root, or for the site’s own group', async () => {
    const modes = await platform.modes([
      `sites/${evil.id}/secrets`,
      `sites/${evil.id}/secrets/database.json`,
      `sites/${evil.id}/config/public/config.php`,
      'database/root.password',
      'database/init/init.sql',
      'cmdb.sqlite',
    ]);
    expect(modes).toEqual(['700', '600', '440', '600', '400', '600']);
  });
});
