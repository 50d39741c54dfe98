/** What a hostile tenant can reach from inside its container, and through the edge: nothing that is not its own. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StatusReply } from '../../src/api/types.ts';
import { ROLES } from '../../src/domain/role.ts';
import type { Role } from '../../src/domain/role.ts';
import { rangeBase } from '../../src/domain/uid-range.ts';
import { execAny } from '../../src/lib/exec.ts';
import { MASKED_PATHS, READONLY_PATHS } from '../../src/runtime/bundle/render-oci-config.ts';
import { filesBeyond, idMapsOf, mountsOf } from '../helpers/container-facts.ts';
import { EVIL, GOOD, Neighbours } from '../helpers/neighbours.ts';
import type { TestPlatform } from '../helpers/platform.ts';
import { processesOf } from '../helpers/search.ts';
import { aPluginWithHoles } from './a-plugin-with-holes.ts';
import { theDatabase } from './the-database.ts';
import { throughTheEdge } from './through-the-edge.ts';

const EPERM = 1;
const ENOSYS = 38;
const WWW_DATA = 33;
let platform: TestPlatform;
let sites: Neighbours;

const asTenant = <T>(code: string, role?: Role): Promise<T> => sites.asTenant<T>(code, role);
const inside = (...argv: string[]) => sites.inside(argv);
const pidOf = async (role: Role): Promise<number> => (await platform.row(EVIL, role)).pid ?? 0;

beforeAll(async () => {
  sites = await Neighbours.start();
  ({ platform } = sites);
  for (const role of ROLES) await platform.wake(EVIL, role);
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

  it('is an unknown user on the host, in a range no other site has, and so are its files', async () => {
    const uids = await Promise.all(
      [GOOD, EVIL].map(async (domain) => {
        await platform.fetch(domain, '/');
        const status = await readFile(`/proc/${(await platform.row(domain)).pid}/status`, 'utf8');
        return Number(/^Uid:\s+(\d+)/mu.exec(status)?.[1]);
      }),
    );
    expect(new Set(uids).size).toBe(2);
    for (const uid of uids) expect(uid).toBeGreaterThan(rangeBase(16));
    const [[, base = 0] = []] = await idMapsOf(await pidOf('admin'));
    expect(await asTenant('echo json_encode(file_put_contents("/srv/wordpress/wp-content/uploads/whose", "x"));', 'admin')).toBe(1);
    const { uid, gid } = await stat(join(platform.state, 'sites', sites.evil.id, 'content/uploads/whose'));
    expect([uid, gid]).toEqual([base + WWW_DATA, base + WWW_DATA]);
  });

  it('has one network interface in the public role, lo, and reaches no address', async () => {
    const interfaces = (await sites.inside(['cat', '/proc/self/net/dev'], 'public')).stdout
      .split('\n')
      .filter((line) => line.includes(':'))
      .map((line) => line.split(':')[0]?.trim());
    expect(interfaces).toEqual(['lo']);
    expect(await asTenant(`echo json_encode(@stream_socket_client("tcp://127.0.0.1:${platform.http}", $e, $m, 1) === false);`)).toBe(true);
  });

  it.each(ROLES)('listens on no port in the %s role, and reaches no socket but its own and the database’s', async (role) => {
    const listening =
      'count(array_filter(array_merge(file("/proc/self/net/tcp"), file("/proc/self/net/tcp6")), fn($line) => (preg_split("/\\s+/", trim($line))[3] ?? "") === "0A"))';
    const before = `$before = ${listening}; $own = stream_socket_server("tcp://127.0.0.1:0");`;
    expect(await asTenant(`${before} echo json_encode([$before, ${listening}]);`, role)).toEqual([0, 1]);
    const { stdout } = await execAny(['find', `/proc/${await pidOf(role)}/root/`, '-path', '*/root/proc', '-prune', '-o', '-type', 's', '-printf', '%P\\n']);
    const found = stdout.split('\n').filter(Boolean);
    const own = new RegExp(`^run/subako/(?:${sites.evil.id}-${role}-\\w+(?:\\.warm)?|mail)\\.sock$`, 'u');
    expect(found.filter((path) => !own.test(path)).toSorted()).toEqual([...(role === 'admin' ? ['etc/subako/site/cache.sock'] : []), 'run/mysqld/mysqld.sock']);
    expect(found.some((path) => own.test(path))).toBe(true);
    // One that has no file at all: whoever shared the machine’s network would reach it.
    const name = `subako-test-${process.pid}`;
    const server = createServer((socket) => socket.end('machine')).listen(`\0${name}`);
    await once(server, 'listening');
    const ask = [
      'perl',
      '-MSocket',
      '-e',
      `socket(my $to, PF_UNIX, SOCK_STREAM, 0); connect($to, pack("Sa*", AF_UNIX, "\\0${name}")) or die "$!"; print <$to>`,
    ];
    expect(await sites.inside(ask, role)).toMatchObject({ stdout: '', stderr: expect.stringContaining('Connection refused') as string });
    expect((await execAny(ask)).stdout).toBe('machine');
    server.close();
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
    const code = `$w = []; foreach (${JSON.stringify(places)} as $p) { if (file_put_contents("$p/probe", "x") !== false || chmod($p, 0777)) $w[] = $p; } echo json_encode($w);`;
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
    expect(mounts).not.toContain(sites.good.id);
    expect((await inside('cat', '/proc/kcore')).stdout).toBe('');
    expect((await inside('cat', '/proc/keys')).stdout).toBe('');
  });

  it.each(ROLES)('holds no file of the machine open in the %s role, but its own log and an empty input', async (role) => {
    const log = join(platform.state, 'sites', sites.evil.id, 'log', `${role}.log`);
    for (const pid of await processesOf(await pidOf(role))) {
      for (const [fd, path] of await filesBeyond(pid)) expect([fd, path]).toEqual(fd === 0 ? [0, expect.stringMatching(/\/stdin$/u)] : [fd, log]);
    }
    const list = 'open my $own, "<", "/etc/passwd"; print map { m{(\\d+)$} && readlink($_) ? "$1 " . readlink($_) . "\\n" : () } glob "/proc/self/fd/*"';
    const listed = (await sites.inside(['perl', '-e', list], role)).stdout.trim().split('\n');
    expect(listed).toEqual([...[0, 1, 2].map((fd) => expect.stringMatching(`^${fd} (?:pipe|socket):`) as string), '3 /etc/passwd']);
    // A process of the machine holds some: the look would find them.
    expect((await filesBeyond(process.pid, await pidOf(role))).size).toBeGreaterThan(0);
  });

  it('cannot change its limits, which are nowhere in it, nor leave a core behind', async () => {
    const names = '-name memory.max -o -name memory.limit_in_bytes -o -name cgroup.procs';
    const write = `for f in $(find / -path /proc -prune -o \\( ${names} \\) -print 2>/dev/null); do echo 0 > $f && echo wrote $f; done`;
    expect((await inside('sh', '-c', `${write}; (ulimit -c 1) 2>/dev/null && echo core; echo end`)).stdout).toBe('end\n');
    const isCgroup = / - cgroup2? /u;
    expect((await inside('cat', '/proc/self/mountinfo')).stdout).not.toMatch(isCgroup);
    for (const role of ROLES) expect(await readFile(`/proc/${await pidOf(role)}/limits`, 'utf8')).toMatch(/^Max core file size\s+0\s+0\s/mu);
    // A file of such a name would be found and written, the machine has them, and a mount of them would show.
    expect((await inside('sh', '-c', `touch /tmp/memory.max; ${write}; rm /tmp/memory.max`)).stdout).toBe('wrote /tmp/memory.max\n');
    expect((await execAny(['find', '/sys/fs/cgroup', '-maxdepth', '2', '-name', 'cgroup.procs'])).stdout).not.toBe('');
    expect(await readFile('/proc/self/mountinfo', 'utf8')).toMatch(isCgroup);
  });

  it('cannot start more processes than it may', async () => {
    const result = await inside('sh', '-c', 'for i in $(seq 200); do sleep 5 & done 2>/dev/null; ls -d /proc/[0-9]* | wc -l');
    expect(Number(result.stdout.trim() || '64')).toBeLessThanOrEqual(66);
    expect((await platform.fetch(GOOD, '/')).status).toBe(200);
  });

  it('cannot change the program that works in it from outside', async () => {
    const programs = async (): Promise<string> => {
      const { stdout } = await execAny([
        'find',
        join(platform.state, 'toolbox'),
        '-maxdepth',
        '3',
        '-path',
        '*/bin/*',
        '-type',
        'f',
        '-exec',
        'sha256sum',
        '{}',
        '+',
      ]);
      return createHash('sha256').update(stdout).digest('hex');
    };
    const before = await programs();
    const overwrite = `my (%seen, $opened, $first); until (-e "/tmp/enough" or time > $^T + 300) {
      for (glob "/proc/[0-9]*/exe") { $seen{$_} = 1; $opened += 1 if open my $program, "+<", $_ } $first //= keys %seen } unlink "/tmp/enough"; print "$first ", scalar(keys %seen), " ", $opened + 0`;
    const trying = inside('perl', '-e', overwrite);
    for (let round = 0; round < 3; round += 1) expect((await inside('sleep', '0.3')).code).toBe(0);
    await inside('touch', '/tmp/enough');
    const [first = 0, seen, opened] = (await trying).stdout.split(' ').map(Number);
    expect(seen).toBeGreaterThan(first);
    expect([opened, await programs()]).toEqual([0, before]);
  });
});

describe('a container of the platform’s own', () => {
  it.each(['database', 'edge'] as const)('has what the kernel tells of the machine covered or read-only: the %s', async (service) => {
    const { pid } = (await platform.api.get<StatusReply>('/v1/status'))[service];
    const mounts = await mountsOf(pid ?? 0);
    const there = async (paths: readonly string[]): Promise<string[]> => {
      const found = await Promise.all(paths.map(async (path) => ((await stat(`/proc/${pid}/root${path}`).catch(() => undefined)) === undefined ? [] : [path])));
      return found.flat();
    };
    const [masked, readonly] = [await there(MASKED_PATHS), await there(READONLY_PATHS)];
    expect([masked.includes('/proc/interrupts'), readonly.includes('/proc/sys'), mounts.has('/proc/uptime')]).toEqual([true, true, false]);
    for (const path of masked) expect([path, mounts.has(path)]).toEqual([path, true]);
    for (const path of readonly) expect([path, mounts.get(path)?.flags]).toEqual([path, expect.arrayContaining(['ro'])]);
  });
});

describe('system calls', () => {
  /** errno of each system call, made with harmless arguments by perl, which is in the image; all by one process. */
  async function errnosOf(calls: readonly (readonly number[])[]): Promise<number[]> {
    const code = 'for (@ARGV) { my ($call, @args) = map { $_ + 0 } split /,/; print syscall($call, @args) == -1 ? $! + 0 : 0, "\\n" }';
    const { stdout } = await inside('perl', '-e', code, '--', ...calls.map((call) => call.join(',')));
    return stdout.trim().split('\n').map(Number);
  }

  const REFUSED: readonly (readonly [name: string, ...call: number[]])[] = [
    ['unshare(CLONE_NEWUSER)', 272, 0x10000000],
    ['setns', 308, 0, 0],
    ['mount', 165, 0, 0, 0, 0, 0],
    ['umount2', 166, 0, 0],
    ['pivot_root', 155, 0, 0],
    ['open_tree', 428, 0, 0, 0],
    ['fsopen', 430, 0, 0],
    ['mount_setattr', 442, 0, 0, 0, 0, 0],
    ['chroot', 161, 0],
    ['ptrace', 101, 0, 0, 0, 0],
    ['bpf', 321, 0, 0, 0],
    ['keyctl', 250, 0, 0, 0, 0, 0],
    ['add_key', 248, 0, 0, 0, 0, 0],
    ['userfaultfd', 323, 0],
    ['io_uring_setup', 425, 1, 0],
    ['perf_event_open', 298, 0, 0, 0, 0, 0],
    ['process_vm_readv', 310, 1, 0, 0, 0, 0, 0],
    ['pidfd_getfd', 438, 0, 0, 0],
    ['open_by_handle_at', 304, 0, 0, 0],
    ['name_to_handle_at', 303, 0, 0, 0, 0, 0],
    ['fanotify_init', 300, 0, 0],
    ['quotactl', 179, 0, 0, 0, 0],
    ['syslog', 103, 0, 0, 0],
    ['vmsplice', 278, 0, 0, 0, 0],
    ['memfd_secret', 447, 0],
    ['personality(ADDR_NO_RANDOMIZE)', 135, 0x40000],
    ['clone(CLONE_NEWNET)', 56, 0x40000011, 0, 0, 0, 0],
    ['socket(AF_INET, SOCK_RAW)', 41, 2, 3, 1],
  ];
  const [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK] = [1, 2, 10, 16];
  const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

  it('that break out are refused', async () => {
    const errnos = await errnosOf(REFUSED.map(([, ...call]) => call));
    expect(REFUSED.map(([name], index) => [name, errnos[index]])).toEqual(REFUSED.map(([name]) => [name, EPERM]));
  });

  it('make sockets of four families alone, and speak of routes alone to the kernel', async () => {
    const others = range(0, 45).filter((family) => ![AF_UNIX, AF_INET, AF_INET6, AF_NETLINK].includes(family));
    const refused = [...others.map((family) => [41, family, 1, 0]), ...range(1, 22).map((protocol) => [41, AF_NETLINK, 3, protocol])];
    const errnos = await errnosOf(refused);
    expect(refused.map((call, index) => [call, errnos[index]])).toEqual(refused.map((call) => [call, EPERM]));
    expect(await errnosOf([AF_UNIX, AF_INET, AF_INET6].map((family) => [41, family, 1, 0]))).toEqual([0, 0, 0]);
    expect(await errnosOf([[41, AF_NETLINK, 3, 0]])).toEqual([0]);
  });

  it('of other architectures are not to be had', async () => {
    const { code, stdout } = await inside('perl', '-e', 'print syscall(0x40000000 | 39) == -1 ? "refused" : "done"'); // getpid of x32
    expect([stdout, code]).toEqual(code === 0 ? ['refused', 0] : ['', 159]); // SIGSYS
  });

  it('that programs need are there, and clone3 looks as if the kernel were too old for it: the probe can tell the difference', async () => {
    expect(await errnosOf([[435, 0, 0], [39], [41, 1, 1, 0], [135, 0xffffffff]])).toEqual([ENOSYS, 0, 0, 0]);
  });
});

describe('through the edge', () => throughTheEdge(() => sites));

describe('the database', () => theDatabase(() => sites));

describe('a plugin with holes', () => aPluginWithHoles(() => sites));

describe('secrets', () => {
  it('are in no log, no argument list and no bundle', async () => {
    const access = await sites.accessOf(sites.good);
    const root = (await readFile(join(platform.state, 'database', 'root.password'), 'utf8')).trim();
    for (const secret of [access.admin.password, access.reader.password, root, sites.evil.admin.password, sites.good.admin.password]) {
      const found = await platform.grep(secret);
      // The password of an administrator is kept nowhere.
      expect(found.length > 0).toBe(![sites.evil.admin.password, sites.good.admin.password].includes(secret));
      expect(
        found.filter(
          (path) => !/\/(?:secrets\/database\.json|config\/(?:admin|public)\/config\.php|database\/root\.password|database\/init\/init\.sql)$/u.test(path),
        ),
      ).toEqual([]);
    }
  });

  it('are no other site’s, though both began as copies of one', async () => {
    const all = await Promise.all(
      [sites.good, sites.evil].map(async (site) => {
        const config = await readFile(join(platform.state, 'sites', site.id, 'config/admin/config.php'), 'utf8');
        const { admin, reader } = await sites.accessOf(site);
        const user = await platform.wordpress(site.domain, 'echo get_userdata(1)->user_pass;');
        const keys = [...config.matchAll(/^define\( '\w+_(?:KEY|SALT)', '([\w-]{30,})' \);$/gmu)].map(([, value = '']) => value);
        return [...keys, admin.password, reader.password, user.stdout];
      }),
    );
    expect(all.map((secrets) => secrets.length)).toEqual([11, 11]);
    expect(new Set(all.flat()).size).toBe(22);
  });

  it('lie in files for root, or for the site’s own group', async () => {
    const modes = await platform.modes([
      `sites/${sites.evil.id}/secrets`,
      `sites/${sites.evil.id}/secrets/database.json`,
      `sites/${sites.evil.id}/config/public/config.php`,
      'database/root.password',
      'database/init/init.sql',
      'cmdb.sqlite',
    ]);
    expect(modes).toEqual(['700', '600', '440', '600', '400', '600']);
  });
});
