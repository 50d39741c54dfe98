/** Images, on a real registry and a real platform: pulled, pushed, built, taken in and out, and hostile ones. */
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HistoryRow, ImageReply, ImageRow } from '../../src/api/describe-image.ts';
import { SubakoError } from '../../src/domain/errors.ts';
import type { PruneReply, RemoveReply } from '../../src/image/oci/removal.ts';
import type { ScanReply } from '../../src/image/oci/scan/scan.ts';
import { exec } from '../../src/lib/exec.ts';
import { poll } from '../../src/lib/deadline.ts';
import { needPackages } from '../../tools/packages.ts';
import { rangeBase, SERVICE_RANGE } from '../../src/domain/uid-range.ts';
import { TestPlatform } from '../helpers/platform.ts';
import { TestRegistry } from '../helpers/registry.ts';
import { tarOf } from '../helpers/tar.ts';
import { makeWorld } from '../helpers/world.ts';

const LOGIN = { user: 'mia', password: 'a "secret" word' };
const PORT = 8765;
const MIB = 1024 ** 2;
/** Of the platform here, for the layer bomb; what else is written to the disk meanwhile counts too. */
const SIZE_LIMIT = 300 * MIB;

let dir: string;
let platform: TestPlatform;
let plain: TestRegistry;
let locked: TestRegistry;
let tls: TestRegistry;

beforeAll(async () => {
  await needPackages({ busybox: 'busybox-static', 'docker-registry': 'docker-registry', htpasswd: 'apache2-utils' });
  dir = await mkdtemp('/tmp/subako-i-');
  await chmod(dir, 0o711);
  [plain, locked, tls] = await Promise.all([
    TestRegistry.start(join(dir, 'plain')),
    TestRegistry.start(join(dir, 'locked'), { login: LOGIN }),
    TestRegistry.start(join(dir, 'tls'), { tls: true }),
  ]);
  platform = await TestPlatform.start({
    checkpoints: false,
    imageSizeLimit: SIZE_LIMIT,
    imageScan: 'refuse',
    imageScanner: await trivyLike(),
    imageScannerMemory: '64m',
  });
  await work('import', { file: await busyboxRoot(), name: 'busybox', config: { cmd: ['/bin/sh'] } });
});

afterAll(async () => {
  const left = await platform.stop();
  for (const registry of [plain, locked, tls]) await registry[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
  expect(left).toEqual([]);
});

/** The answer of long work, and what was told meanwhile. */
async function told(what: string, body: object): Promise<{ done: unknown; told: string[] }> {
  const lines: string[] = [];
  const done = await platform.api.work<unknown>(`/v1/images/${what}`, body, (text) => lines.push(text));
  return { done, told: lines };
}

async function work<T = ImageRow>(what: string, body: object): Promise<T> {
  return (await told(what, body)).done as T;
}

async function refused(promise: Promise<unknown>): Promise<SubakoError> {
  const error = await promise.then(
    () => new Error('it was done'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SubakoError)) throw error;
  return error;
}

function remove(image: string, force = false): Promise<RemoveReply> {
  return platform.api.delete<RemoveReply>(`/v1/images/${encodeURIComponent(image)}${force ? '?force=1' : ''}`);
}

async function names(): Promise<string[]> {
  return (await platform.api.get<ImageRow[]>('/v1/images')).flatMap((image) => image.names);
}

function show(image: string): Promise<ImageReply> {
  return platform.api.get<ImageReply>(`/v1/images/${encodeURIComponent(image)}`);
}

/** A root file system with nothing but busybox, as a tar. */
async function busyboxRoot(): Promise<string> {
  const root = join(dir, 'busybox');
  for (const name of ['bin', 'etc', 'tmp', 'dev', 'proc', 'sys']) await mkdir(join(root, name), { recursive: true });
  await copyFile((await exec(['which', 'busybox'])).stdout.trim(), join(root, 'bin', 'busybox'));
  for (const name of ['sh', 'cat', 'echo', 'id', 'nc', 'ip', 'sleep', 'true', 'wc']) await symlink('busybox', join(root, 'bin', name));
  await writeFile(join(root, 'etc', 'passwd'), 'root:x:0:0::/:/bin/sh\n');
  const tar = join(dir, 'busybox.tar.gz');
  await exec(['tar', '--create', '--gzip', '--file', tar, '--directory', root, '.']);
  return tar;
}

/** What no scan may reach. */
const victim = (): string => join(dir, 'victim');
const INNER = 'inner';

/** Answers as Trivy does where an image has a file `holes`; it must be nobody, and get an archive that it can read. Images with other files make it eat, or stay. */
async function trivyLike(): Promise<string> {
  const hole = { VulnerabilityID: 'CVE-2026-0001', PkgName: 'zlib1g', InstalledVersion: '1.2', FixedVersion: '1.3', Status: 'fixed', Severity: 'HIGH' };
  const report = { SchemaVersion: 2, ArtifactName: 'image.tar', Results: [{ Target: 'image.tar', Class: 'os-pkgs', Vulnerabilities: [hole] }] };
  const path = join(dir, 'trivy');
  // Out of the session, where no signal to the group comes, deaf to one that does, and with a directory that is a link at times.
  const stay = `trap "" TERM; cd "$TMPDIR"; while :; do mkdir -p tree/${INNER}; mv tree old; ln -s ${victim()} tree; rm tree; mv old tree; done`;
  await writeFile(
    path,
    `#!/bin/sh
ARCHIVE=$3
[ "$(id -u):$(id -g):$(id -G)" = 65534:65534:65534 ] && [ "$1 $2" = 'image --input' ] && touch "$TRIVY_CACHE_DIR/known" || exit 1
for layer in $(tar -xOf "$3" manifest.json | grep -o '[0-9a-f]*\\.tar'); do
  has() { tar -xOf "$ARCHIVE" "$layer" 2>/dev/null | tar -t 2>/dev/null | grep -q "^$1"; }
  has holes && exec echo '${JSON.stringify(report)}'
  has hungry && { tail /dev/zero; exec echo '${JSON.stringify({ ...report, Results: [{ Target: 'image.tar' }] })}'; }
  has stubborn && exec setsid sh -c '${stay}' sh "$ARCHIVE"
done
echo '{"SchemaVersion":2}'
`,
    { mode: 0o755 },
  );
  return path;
}

/** A context with this Dockerfile; `files` by name. */
async function context(name: string, dockerfile: string, files: Readonly<Record<string, string | Buffer>> = {}): Promise<string> {
  const place = join(dir, `context-${name}`);
  await mkdir(place, { recursive: true });
  await writeFile(join(place, 'Dockerfile'), dockerfile);
  for (const [path, content] of Object.entries(files)) await writeFile(join(place, path), content);
  return place;
}

async function build(place: string, more: object = {}): Promise<{ done: ImageRow; told: string[] }> {
  const built = await told('build', { dir: place, tags: [], args: [], noCache: false, network: 'none', ...more });
  return { ...built, done: built.done as ImageRow };
}

/** Bytes that no compression makes smaller. */
function noise(bytes: number, seed: string): Buffer {
  const blocks = Array.from({ length: bytes / 64 }, (_, index) => createHash('sha512').update(`${seed}${index}`).digest());
  return Buffer.concat(blocks);
}

describe('a registry', () => {
  const to = () => ({ to: `${plain.name}/team/busybox:1`, tlsVerify: false });
  const from = () => ({ reference: `${plain.name}/team/busybox:1`, tlsVerify: false });

  it('takes an image and gives back the very same', async () => {
    const { id } = await show('busybox');
    expect(await work('push', { reference: 'busybox', ...to() })).toEqual({ name: `${plain.name}/team/busybox:1` });
    const pulled = await work('pull', from());
    expect(pulled.id).toBe(id);
    expect(pulled.names.toSorted()).toEqual([`${plain.name}/team/busybox:1`, 'localhost/busybox:latest'].toSorted());
  });

  it('is asked once when two pull the same at once', async () => {
    const before = plain.requests.filter((line) => line.startsWith('GET') && line.includes('/manifests/')).length;
    const [one, other] = await Promise.all([work('pull', from()), work('pull', from())]);
    expect(one).toEqual(other);
    const alone = plain.requests.filter((line) => line.startsWith('GET') && line.includes('/manifests/')).length - before;
    await work('pull', from());
    const again = plain.requests.filter((line) => line.startsWith('GET') && line.includes('/manifests/')).length - before - alone;
    expect(alone).toBe(again);
  });

  it('is asked by digest, and a digest that it does not have is not found', async () => {
    const digest = (
      await fetch(`http://${plain.name}/v2/team/busybox/manifests/1`, {
        headers: { accept: 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json' },
      })
    ).headers.get('docker-content-digest');
    const reference = `${plain.name}/team/busybox@${digest}`;
    expect((await work('pull', { reference, tlsVerify: false })).names).toContain(reference);
    expect((await show(reference)).id).toBe((await show('busybox')).id);
    await remove(reference);
    const other = `${plain.name}/team/busybox@sha256:${'0'.repeat(64)}`;
    expect(await refused(work('pull', { reference: other, tlsVerify: false }))).toMatchObject({ code: 'not_found' });
  });

  it('without https is refused unless one says that it may be, and elsewhere than on this machine even then', async () => {
    const { tlsVerify: _, ...careful } = from();
    expect(await refused(work('pull', careful))).toMatchObject({ code: 'registry_failed', hint: expect.stringContaining('--tls-verify=false') as string });
    expect(await refused(work('pull', { reference: 'registry.example/app', tlsVerify: false }))).toMatchObject({ code: 'bad_usage' });
  });

  it('with a certificate of a private authority is trusted with that authority alone', async () => {
    const reference = `${tls.name}/busybox:1`;
    expect(await refused(work('push', { reference: 'busybox', to: reference }))).toMatchObject({
      code: 'registry_failed',
      message: expect.stringContaining('not trusted') as string,
    });
    await work('push', { reference: 'busybox', to: reference, certDir: tls.certDir });
    expect((await work('pull', { reference, certDir: tls.certDir })).id).toBe((await show('busybox')).id);
    await remove(reference);
  });

  it('that wants a login gets it, and it is kept for root alone', async () => {
    const reference = `${locked.name}/busybox:1`;
    const push = () => work('push', { reference: 'busybox', to: reference, tlsVerify: false });
    const login = (password: string) => platform.api.put(`/v1/registries/${locked.name}`, { user: LOGIN.user, password, tlsVerify: false });
    expect(await refused(push())).toMatchObject({ code: 'registry_failed', hint: expect.stringContaining('image login') as string });
    expect(await refused(login('wrong'))).toMatchObject({ code: 'registry_failed' });
    const args = ['image', 'login', locked.name, '--user', LOGIN.user, '--tls-verify', 'false'];
    expect(await platform.cli(args, `${LOGIN.password}\n`)).toMatchObject({ code: 0 });
    await push();
    expect((await work('pull', { reference, tlsVerify: false })).names).toContain(reference);
    expect(await platform.modes(['oci', 'oci/auth.json'])).toEqual(['700', '600']);
    expect(await platform.grep(LOGIN.password)).toEqual([]);
    await platform.api.delete(`/v1/registries/${locked.name}`);
    expect(await refused(push())).toMatchObject({ code: 'registry_failed' });
    expect(await refused(platform.api.delete(`/v1/registries/${locked.name}`))).toMatchObject({ code: 'not_found' });
    await remove(reference);
  });

  it('that hands out a damaged layer is found out, and nothing of it is kept', async () => {
    const spoiled = await TestRegistry.start(join(dir, 'spoiled'));
    try {
      const reference = `${spoiled.name}/noise:1`;
      const { done } = await build(await context('noise', 'FROM scratch\nCOPY noise /\n', { noise: noise(MIB, 'damage') }), { tags: ['noise'] });
      await work('push', { reference: 'noise', to: reference, tlsVerify: false });
      await remove('noise');
      await platform.api.work('/v1/images/prune', { all: false }, () => undefined);
      await spoiled.damage();
      expect(await refused(work('pull', { reference, tlsVerify: false }))).toMatchObject({
        code: 'registry_failed',
        message: expect.stringContaining('digest') as string,
      });
      expect((await platform.api.get<ImageRow[]>('/v1/images?all=1')).map(({ id }) => id)).not.toContain(done.id);
    } finally {
      await spoiled[Symbol.asyncDispose]();
    }
  });
});

describe('a pull', () => {
  it('whose daemon is killed leaves nothing half made, keeps the layers that came whole, and works the next time', async () => {
    const slow = await TestRegistry.start(join(dir, 'slow'));
    try {
      const reference = `${slow.name}/large:1`;
      const files = { first: noise(MIB, 'first'), second: noise(24 * MIB, 'second') };
      await build(await context('large', 'FROM scratch\nCOPY first /\nCOPY second /\n', files), { tags: ['large'] });
      await work('push', { reference: 'large', to: reference, tlsVerify: false });
      await remove('large');
      await platform.api.work('/v1/images/prune', { all: false }, () => undefined);
      slow.slowDown(4 * MIB);
      const broken = work('pull', { reference, tlsVerify: false }).catch((error: unknown) => error);
      const layers = join(platform.state, 'oci/storage/overlay-layers/layers.json');
      const whole = async () =>
        (JSON.parse(await readFile(layers, 'utf8')) as { flags?: { incomplete?: boolean } }[]).filter(({ flags }) => flags?.incomplete !== true);
      const before = (await whole()).length;
      // The first layer is whole, the second on its way.
      const begun = await poll(async () => (await whole()).length > before, {
        timeoutMs: 60_000,
        everyMs: 20,
      });
      expect(begun).toBe(true);
      await platform.killDaemon();
      expect(await broken).toMatchObject({ message: 'the daemon broke off' });
      await poll(async () => (await platform.processes()).every((line) => !line.includes('skopeo')), { timeoutMs: 10_000, everyMs: 50 });
      expect((await platform.processes()).filter((line) => line.includes('skopeo'))).toEqual([]);
      slow.slowDown(Infinity);
      await platform.up();
      expect(await names()).not.toContain(reference);
      expect(await readdir(join(platform.state, 'oci')).then((found) => found.includes('work'))).toBe(false);
      const requests = slow.requests.length;
      expect((await work('pull', { reference, tlsVerify: false })).names).toContain(reference);
      // The configuration, and the second layer.
      expect(slow.requests.slice(requests).filter((line) => line.startsWith('GET') && line.includes('/blobs/'))).toHaveLength(3);
      await remove(reference);
    } finally {
      await slow[Symbol.asyncDispose]();
    }
  });
});

describe('a build', () => {
  const DOCKERFILE = `FROM busybox
ARG GREETING=hello
COPY file /srv/file
RUN echo "$GREETING" >/greeting && ip link | wc -l >/links
HEALTHCHECK --interval=5s CMD ["/bin/true"]
EXPOSE 8080
USER 1000
CMD ["/bin/cat", "/greeting"]
`;

  it('runs a Dockerfile, keeps what it says, and takes steps that ran before from the cache', async () => {
    const place = await context('app', DOCKERFILE, { file: 'content' });
    const first = await build(place, { tags: ['app', 'app:1'], args: ['GREETING=good day'] });
    expect(first.done.names.toSorted()).toEqual(['localhost/app:1', 'localhost/app:latest']);
    const { config, layers } = await show('app');
    expect(config).toMatchObject({
      cmd: ['/bin/cat', '/greeting'],
      user: '1000',
      exposedPorts: ['8080/tcp'],
      healthcheck: { test: ['CMD', '/bin/true'], intervalMs: 5_000 },
    });
    const diff = (path: string) => readFile(join(platform.state, 'oci/storage/overlay', layers[0]?.id ?? '', 'diff', path), 'utf8');
    expect(await diff('greeting')).toBe('good day\n');
    // lo alone, in two lines.
    expect((await diff('links')).trim()).toBe('2');
    const again = await build(place, { tags: ['app'], args: ['GREETING=good day'] });
    expect(again.done.id).toBe(first.done.id);
    expect(again.told.filter((line) => line.includes('Using cache')).length).toBeGreaterThanOrEqual(4);
    const history = await platform.api.get<HistoryRow[]>('/v1/images/app/history');
    expect(history[0]?.createdBy).toContain('CMD');
    expect(history.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBe(first.done.sizeBytes);
  });

  it('runs its steps with user ids of their own, of which nothing is left in the image', async () => {
    const steps = [
      'cat /proc/self/uid_map >/ids && busybox chown 33:34 /srv/file',
      'busybox rm -r /old && busybox mkdir /old; busybox mknod /null c 1 3; echo $? >/refused',
    ];
    const place = await context('mapped', `FROM busybox\nCOPY file /srv/file\nCOPY file /old/gone\nRUN ${steps.join('\nRUN ')}\n`, {
      file: 'content',
    });
    const { id } = (await build(place, { tags: ['mapped'] })).done;
    const [upper = '', lower = ''] = (await show(id)).layers.map((layer) => join(platform.state, 'oci/storage/overlay', layer.id, 'diff'));
    const first = rangeBase(SERVICE_RANGE.build);
    expect(await readFile(join(upper, 'refused'), 'utf8')).toBe('1\n');
    expect((await readFile(join(lower, 'ids'), 'utf8')).trim().split(/\s+/u)).toEqual(['0', String(first), '65536']);
    const owner = async (path: string): Promise<number[]> => {
      const { uid, gid } = await stat(path);
      return [uid, gid];
    };
    expect([await owner(join(lower, 'ids')), await owner(join(lower, 'srv/file')), await owner(join(upper, 'old'))]).toEqual([
      [0, 0],
      [33, 34],
      [0, 0],
    ]);
    // Nor are the copies with other owners that it took.
    const layersFile = join(platform.state, 'oci/storage/overlay-layers/layers.json');
    expect(await poll(async () => !(await readFile(layersFile, 'utf8')).includes(String(first)), { timeoutMs: 60_000, everyMs: 100 })).toBe(true);
    const inside = await platform.cli(['run', '--rm', '--network', 'none', 'mapped', '/bin/sh', '-c', 'busybox ls -A /old; busybox stat -c %u:%g /srv/file']);
    expect(inside).toMatchObject({ code: 0, stdout: '33:34\n' });
    await remove('mapped');
    const { layers } = await show((await build(place, { noCache: true, userns: 'host' })).done.id);
    expect(await readFile(join(platform.state, 'oci/storage/overlay', layers[1]?.id ?? '', 'diff/ids'), 'utf8')).toMatch(/^\s+0\s+0\s+4294967295$/mu);
  });

  it('reaches the Internet, but nothing of this machine and nothing private', async () => {
    await using world = await makeWorld((await platform.tool('ip')) ?? '', [PORT]);
    // Not by wget: Debian's static busybox crashes when it looks up a service by name.
    const get = (address: string) => `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 ${address} ${PORT}`;
    const unreachable = [world.private, world.carrier, world.metadata, '127.0.0.1'].map((address) => `! ${get(address)}`);
    const place = await context('reaching', `FROM busybox\nRUN ${[`${get(world.internet)} >/world`, ...unreachable].join(' && ')}\n`);
    const { done } = await build(place, { network: 'egress', tags: ['reaching'] });
    const { layers } = await show(done.id);
    expect(await readFile(join(platform.state, 'oci/storage/overlay', layers[0]?.id ?? '', 'diff/world'), 'utf8')).toContain('world ');
    expect((await platform.devices()).length).toBe(0);
    expect((await platform.mounts()).filter((line) => line.includes('/oci/'))).toEqual([]);
    expect(await refused(build(await context('cut-off', `FROM busybox\nRUN ${get(world.internet)}\n`)))).toMatchObject({ code: 'build_failed' });
    await remove('reaching');
  });

  it('that fails says which step, and what it said, and leaves no image', async () => {
    const before = await platform.api.get<ImageRow[]>('/v1/images?all=1');
    const error = await refused(build(await context('broken', 'FROM busybox\nRUN echo on the way; exit 3\n'), { tags: ['broken'] }));
    expect(error).toMatchObject({ code: 'build_failed', message: expect.stringContaining('exit 3') as string });
    expect(await platform.api.get<ImageRow[]>('/v1/images?all=1')).toEqual(before);
  });

  it('cannot copy what lies outside its directory, nor run what asks for more than a container has', async () => {
    const copied = await context('outside', 'FROM busybox\nCOPY link/passwd /stolen\n');
    await symlink('/etc', join(copied, 'link'));
    expect(await refused(build(copied))).toMatchObject({ code: 'build_failed' });
    const mounting = await context('mounting', 'FROM busybox\nRUN busybox mount -t tmpfs none /tmp\n');
    expect(await refused(build(mounting))).toMatchObject({ code: 'build_failed' });
  });

  it('is refused where its words make no sense', async () => {
    expect(await refused(build(dir))).toMatchObject({ code: 'bad_usage', message: expect.stringContaining('no Dockerfile') as string });
    const place = await context('plain', 'FROM busybox\n');
    for (const more of [{ tags: ['--all'] }, { args: ['A\nB=1'] }, { target: '../x' }, { tags: [`app@sha256:${'0'.repeat(64)}`] }]) {
      expect(await refused(build(place, more))).toMatchObject({ code: 'bad_usage' });
    }
  });
});

describe('an archive', () => {
  it.each(['docker-archive', 'oci-archive'] as const)('of kind %s gives back the image, whatever the file is called', async (format) => {
    const file = join(dir, `it]:s ${format}.tar`);
    const whole = await show('busybox');
    await work('export', { reference: 'busybox', file, format });
    const [imported] = await work<ImageRow[]>('import', { file, name: 'unpacked' });
    const { config, layers } = await show('unpacked');
    expect({ config, layers }).toEqual({ config: whole.config, layers: whole.layers });
    expect(imported?.names).toContain('localhost/unpacked:latest');
    await remove('unpacked');
  });

  it('that is none is refused', async () => {
    const file = join(dir, 'none.tar');
    await writeFile(file, 'not a tar');
    expect(await refused(work('import', { file, name: 'none' }))).toMatchObject({ code: 'bad_usage' });
    expect(await refused(work('import', { file: '/etc', name: 'none' }))).toMatchObject({ code: 'bad_usage' });
    expect(await refused(work('import', { file: join(dir, 'busybox.tar.gz') }))).toMatchObject({
      code: 'bad_usage',
      message: expect.stringContaining('no name') as string,
    });
  });
});

describe('a hostile image', () => {
  it('writes nothing outside its layer, whatever its names and links say', async () => {
    const outside = join(dir, 'outside');
    await mkdir(outside);
    const entries = [
      { name: 'etc', type: '2', link: outside },
      { name: 'etc/evil', data: 'x' },
      { name: 'up', type: '2', link: '../../../../../../../../../..' },
      { name: `up${outside}/evil`, data: 'x' },
      { name: 'dev', type: '2', link: '/dev' },
      { name: 'dev/subako-evil', data: 'x' },
      { name: 'proc', type: '2', link: '/proc' },
      { name: 'a\nb]:c', data: 'odd' },
      { name: 'passwd', type: '1', link: '/etc/passwd' },
    ];
    const file = join(dir, 'hostile.tar');
    for (const [index, list] of [entries.slice(0, -1), [{ name: '../../../../../../../../tmp/subako-evil', data: 'x' }], entries.slice(-1)].entries()) {
      await writeFile(file, tarOf(list));
      await work('import', { file, name: `hostile:${index}` }).catch((error: unknown) => expect(error).toBeInstanceOf(SubakoError));
    }
    expect(await readdir(outside)).toEqual([]);
    for (const path of ['/dev/subako-evil', '/tmp/subako-evil']) await expect(stat(path)).rejects.toThrow('ENOENT');
    expect((await stat('/etc/passwd')).nlink).toBe(1);
    for (const name of await names()) if (name.startsWith('localhost/hostile')) await remove(name);
  });

  it('that unpacks to more than it may is stopped, and its layers are gone', async () => {
    const file = join(dir, 'bomb.tar.gz');
    const root = join(dir, 'bomb');
    await mkdir(root);
    await exec(['dd', 'if=/dev/zero', `of=${join(root, 'zeros')}`, 'bs=1M', `count=${SIZE_LIMIT / MIB + 100}`]);
    await exec(['tar', '--create', '--gzip', '--file', file, '--directory', root, '.']);
    await rm(root, { recursive: true });
    expect(await refused(work('import', { file, name: 'bomb' }))).toMatchObject({ code: 'no_space' });
    expect(await names()).not.toContain('localhost/bomb:latest');
    await platform.api.work('/v1/images/prune', { all: false }, () => undefined);
    const { stdout } = await exec(['du', '--summarize', '--bytes', join(platform.state, 'oci')]);
    expect(Number.parseInt(stdout, 10)).toBeLessThan(SIZE_LIMIT / 2);
  });

  it('may say anything of itself without a terminal believing it', async () => {
    const place = await context('labels', 'FROM scratch\nCOPY file /\nLABEL evil="\\u001b[2J" run.oci.handler="x"\n', { file: 'x' });
    await build(place, { tags: ['labels'] });
    const shown = await platform.cli(['image', 'show', 'labels']);
    expect(shown.code).toBe(0);
    expect(shown.stdout).not.toContain('\u001B');
    await remove('labels');
  });
});

describe('the store', () => {
  it('takes away a name, and with the last the image', async () => {
    const { id } = (await build(await context('short', 'FROM busybox\nRUN echo short >/short\n'), { tags: ['short:1'] })).done;
    await platform.api.post('/v1/images/short:1/tag', { name: 'short:2' });
    expect(await refused(remove(id))).toMatchObject({ code: 'conflict' });
    expect(await remove('short:1')).toEqual({ id, untagged: ['localhost/short:1'], deleted: false });
    expect(await remove(id.replace('sha256:', '').slice(0, 12))).toMatchObject({ deleted: true });
    expect(await refused(show('short:2'))).toMatchObject({ code: 'not_found', hint: expect.stringContaining('subako pull short:2') as string });
  });

  it('prunes what has no name, and nothing else', async () => {
    const place = await context('moved', 'FROM busybox\nRUN echo one >/one\n');
    const { done: old } = await build(place, { tags: ['moved'] });
    await writeFile(join(place, 'Dockerfile'), 'FROM busybox\nRUN echo two >/two\n');
    await build(place, { tags: ['moved'] });
    expect(await refused(show('moved')).catch(() => undefined)).toBeUndefined();
    const named = await names();
    const pruned = await work<PruneReply>('prune', { all: false });
    expect(pruned.deleted).toContain(old.id);
    expect(await names()).toEqual(named);
    expect(await refused(show(old.id))).toMatchObject({ code: 'not_found' });
    expect((await platform.api.get<ImageRow[]>('/v1/images?all=1')).every((image) => image.names.length > 0)).toBe(true);
  });

  it('keeps serving when several work on it at once', async () => {
    const place = await context('busy', 'FROM busybox\nARG N\nRUN echo $N >/n\n');
    const built = await Promise.all(['1', '2', '3'].map((n) => build(place, { tags: [`busy:${n}`], args: [`N=${n}`] })));
    expect(new Set(built.map(({ done }) => done.id)).size).toBe(3);
    for (const n of ['1', '2', '3']) await remove(`busy:${n}`);
  });
});

describe('a scan', () => {
  it('names packages with a security update waiting', async () => {
    const root = join(dir, 'debian');
    await mkdir(join(root, 'var/lib/dpkg'), { recursive: true });
    await mkdir(join(root, 'usr/lib'), { recursive: true });
    await writeFile(join(root, 'usr/lib/os-release'), 'ID=debian\nVERSION_CODENAME=bookworm\n');
    const entry = (name: string, version: string) => `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\n`;
    await writeFile(join(root, 'var/lib/dpkg/status'), [entry('openssl', '3.0.0-1'), entry('libc6', '99-1')].join('\n'));
    const tar = join(dir, 'debian.tar');
    await exec(['tar', '--create', '--file', tar, '--directory', root, '.']);
    await work('import', { file: tar, name: 'debian' });
    const scanned = await work<ScanReply>('scan', { reference: 'debian' });
    expect(scanned).toMatchObject({ distribution: 'debian bookworm', packages: 2, updates: [{ package: 'openssl', installed: '3.0.0-1' }] });
    const strict = await platform.cli(['image', 'scan', 'debian', '--strict']);
    expect(strict).toMatchObject({ code: 1, stdout: expect.stringContaining('openssl') as string });
  });

  it('asks Trivy where there is one, as nobody, about an archive of the image', async () => {
    const place = await context('holes', 'FROM busybox\nRUN echo 1 > /holes\n');
    await build(place, { tags: ['holes'] });
    const scanned = await work<ScanReply>('scan', { reference: 'holes' });
    expect(scanned).toMatchObject({ scanner: 'trivy', distribution: null, holes: [{ id: 'CVE-2026-0001', package: 'zlib1g', severity: 'high' }] });
    expect(scanned.unsaid).toContain('no distribution');
    // Nothing of it is left, and nobody but root can look where it was.
    expect(await readdir(join(platform.state, 'scanner'))).toEqual(['cache']);
  });

  it('stops a scanner that wants more memory than it may have, and believes nothing that it says then', async () => {
    await build(await context('hungry', 'FROM busybox\nRUN echo 1 > /hungry\n'), { tags: ['hungry'] });
    const pid = await platform.daemonPid();
    expect(await refused(work('scan', { reference: 'hungry' }))).toMatchObject({
      code: 'command_failed',
      message: expect.stringContaining('trivy wanted more than 64 MiB of memory, and was stopped') as string,
    });
    expect(await platform.daemonPid()).toBe(pid);
    expect(await readdir(join(platform.state, 'scanner'))).toEqual(['cache']);
  });

  it.each(['whoever asked goes away', 'the daemon is killed'])('leaves nothing of a scanner that does not want to end, when %s', async (end) => {
    await mkdir(join(victim(), INNER), { recursive: true });
    await writeFile(join(victim(), INNER, 'file'), 'ours');
    await build(await context('stubborn', 'FROM busybox\nRUN echo 1 > /stubborn\n'), { tags: ['stubborn'] });
    const asking = await platform.api.stream('POST', '/v1/images/scan', { reference: 'stubborn' });
    asking.on('error', () => undefined);
    const its = async (): Promise<string[]> => (await platform.processes()).filter((line) => line.includes(victim()));
    expect(await poll(async () => (await its()).length > 0, { timeoutMs: 60_000, everyMs: 50 })).toBe(true);
    if (end === 'the daemon is killed') {
      await platform.killDaemon();
      await platform.up();
    } else asking.destroy();
    expect(await poll(async () => (await its()).length === 0, { timeoutMs: 30_000, everyMs: 50 })).toBe(true);
    expect(await poll(async () => (await readdir(join(platform.state, 'scanner'))).length === 1, { timeoutMs: 30_000, everyMs: 50 })).toBe(true);
    expect(await readFile(join(victim(), INNER, 'file'), 'utf8')).toBe('ours');
  });

  it('is asked before an image becomes a site’s', async () => {
    const site = (image: string, ...more: string[]) => platform.cli(['site', 'create', `${image}.localhost`, '--image', image, '--port', '80', ...more]);
    expect(await site('debian', '--', '/bin/x')).toMatchObject({ code: 1, stderr: expect.stringContaining('security updates wait for openssl') as string });
    expect(await site('holes')).toMatchObject({ code: 1, stderr: expect.stringContaining('security updates wait for zlib1g') as string });
    expect(await site('busybox')).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing can be said') as string });
    expect(await platform.json('site', 'ls')).toEqual([]);
    expect(await site('busybox', '--ignore-scan')).toMatchObject({ code: 0 });
    expect(await platform.cli(['site', 'deploy', 'busybox.localhost', 'holes'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('zlib1g') as string,
    });
    expect((await platform.events('busybox.localhost')).map(({ type }) => type)).toEqual(expect.arrayContaining(['image.warned', 'image.refused']));
    await platform.cli(['site', 'rm', 'busybox.localhost']);
  });

  it('never calls an image clean of which it can say nothing', async () => {
    expect(await platform.cli(['image', 'scan', 'busybox'])).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing can be said') as string });
  });
});

describe('the command line', () => {
  it('has docker’s short forms, and prints JSON for programs', async () => {
    const listed = await platform.json<ImageRow[]>('images');
    expect(listed.flatMap((image) => image.names)).toContain('localhost/busybox:latest');
    const table = await platform.cli(['image', 'ls']);
    expect(table.stdout).toContain('localhost/busybox:latest');
    const place = await context('short-form', 'FROM busybox\nCMD ["/bin/true"]\n');
    expect(await platform.cli(['build', '-t', 'formed', place])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('localhost/formed:latest') as string,
    });
    expect(await platform.cli(['push', 'formed', `${plain.name}/formed:1`, '--tls-verify=false'])).toMatchObject({ code: 0 });
    // Never to docker.io because a name is short.
    expect(await platform.cli(['push', 'formed'])).toMatchObject({ code: 2, stderr: expect.stringContaining('name of this machine’s own') as string });
    expect(await platform.cli(['rmi', 'formed'])).toMatchObject({ code: 0 });
    expect(await platform.cli(['pull', `${plain.name}/formed:1`, '--tls-verify=false'])).toMatchObject({ code: 0 });
    expect(await platform.cli(['image', 'rm', 'formed'])).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no image formed') as string });
    expect(await platform.cli(['pull', 'No Image'])).toMatchObject({ code: 2 });
    await remove(`${plain.name}/formed:1`);
  });
});

describe('the tools for images', () => {
  it('lie beside the toolbox, and doctor does not take them for it', async () => {
    const checks = await platform.json<{ readonly name: string; readonly found: string }[]>('doctor');
    expect(checks.find(({ name }) => name === 'toolbox')).toMatchObject({ found: expect.stringContaining('crun ') as string });
  });
});
