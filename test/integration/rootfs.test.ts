/** Root file systems from layers, on this machine's kernel. */
import { chmod, chown, lstat, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rangeBase } from '../../src/domain/uid-range.ts';
import { execAny } from '../../src/lib/exec.ts';
import { Remounter } from '../../src/runtime/mounts/remounter.ts';
import { RootFilesystems } from '../../src/runtime/rootfs/root-filesystems.ts';

const BASE = rangeBase(30);
const [ROOT, USER] = [0, 1000];
let dir: string;
let remounter: Remounter;
let roots: RootFilesystems;
let layers: readonly string[];

beforeAll(async () => {
  dir = await mkdtemp('/tmp/subako-r-');
  await chmod(dir, 0o711);
  const [top, base] = [join(dir, 'top'), join(dir, 'base:1,2')];
  for (const [layer, owner] of [
    [base, ROOT],
    [top, USER],
  ] as const) {
    await mkdir(join(layer, 'etc'), { recursive: true });
    await writeFile(join(layer, 'etc', 'which'), `${owner}`);
    await chown(join(layer, 'etc', 'which'), owner, owner);
  }
  await writeFile(join(base, 'etc', 'passwd'), 'app:x:1000:');
  await symlink('../../../../../../../etc/passwd', join(top, 'etc', 'climbing'));
  await symlink(join(dir, 'secret'), join(top, 'etc', 'away'));
  await writeFile(join(dir, 'secret'), 'the machine’s');
  layers = [top, base];
  remounter = new Remounter({ perl: ['perl'] });
  roots = new RootFilesystems({ dir: join(dir, 'run'), skeleton: join(dir, 'skeleton'), remounter });
});

afterAll(async () => {
  await roots.unmountAll();
  await remounter[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

describe('the root of a container', () => {
  it('shows the layers on one another with the container’s ids, and changes none of them', async () => {
    const changes = join(dir, 'changes');
    const root = await roots.mount({ id: 'one', layers, hostIdBase: BASE, changes });
    expect(await readFile(join(root, 'etc', 'which'), 'utf8')).toBe('1000');
    expect(await lstat(join(root, 'etc', 'which'))).toMatchObject({ uid: BASE + USER, gid: BASE + USER });
    expect(await lstat(join(root, 'proc'))).toMatchObject({ uid: BASE });
    await writeFile(join(root, 'etc', 'which'), 'changed');
    await roots.unmount('one');
    await roots.unmount('one');
    expect(await readFile(join(layers[0] ?? '', 'etc', 'which'), 'utf8')).toBe('1000');
    const again = await roots.mount({ id: 'one', layers, hostIdBase: BASE, changes });
    expect(await readFile(join(again, 'etc', 'which'), 'utf8')).toBe('changed');
    await roots.unmount('one');
  });

  it('can be one that nobody changes, and one whose changes nobody waits for, time after time', async () => {
    const root = await roots.mount({ id: 'fixed', layers, hostIdBase: BASE });
    await expect(writeFile(join(root, 'new'), '')).rejects.toThrow('EROFS');
    for (const text of ['a', 'b']) {
      const brief = await roots.mount({ id: 'brief', layers, hostIdBase: BASE, changes: join(dir, 'brief'), ephemeral: true });
      await writeFile(join(brief, text), text);
      expect(await roots.isMounted('brief')).toBe(true);
      await roots.unmount('brief');
      expect(await roots.isMounted('brief')).toBe(false);
    }
    await roots.unmount('fixed');
  });

  it('is looked into as by somebody who is in there: no link leads out', async () => {
    const root = await roots.mount({ id: 'two', layers, hostIdBase: BASE });
    expect(await remounter.readIn(root, '/etc/climbing', 100)).toBe('app:x:1000:');
    expect(await remounter.readIn(root, '/etc/climbing', 3)).toBe('app');
    expect(await remounter.readIn(root, '/etc/away', 100)).toBe('');
    expect(await remounter.readIn(root, '/etc', 100)).toBe('');
    expect(await remounter.resolveIn(root, '/etc/climbing')).toBe('/etc/passwd');
    expect(await remounter.resolveIn(root, '/../..')).toBe('/');
    expect(await remounter.resolveIn(root, '/nothing')).toBeUndefined();
    await roots.unmount('two');
  });

  it('is found and taken away though an earlier daemon mounted it', async () => {
    await roots.mount({ id: 'kept', layers, hostIdBase: BASE });
    await roots.mount({ id: 'left', layers, hostIdBase: BASE });
    expect(await roots.sweep(new Set(['kept']))).toEqual(['left']);
    expect([await roots.isMounted('kept'), await roots.isMounted('left')]).toEqual([true, false]);
    await roots.unmountAll();
    expect((await execAny(['grep', '-c', dir, '/proc/self/mountinfo'])).stdout.trim()).toBe('0');
  });

  it('leaves nothing when it cannot be mounted, and says why', async () => {
    await expect(roots.mount({ id: 'none', layers: [join(dir, 'nothing')], hostIdBase: BASE })).rejects.toMatchObject({ code: 'host_unfit' });
    expect(await roots.isMounted('none')).toBe(false);
    for (const id of ['', '../x', 'a/b']) await expect(roots.mount({ id, layers, hostIdBase: BASE })).rejects.toThrow(RangeError);
  });
});

describe('a directory of the machine that is shown to a container', () => {
  it('is that very directory, and goes with the root', async () => {
    const below = join(dir, 'shared', 'a', 'b');
    await mkdir(below, { recursive: true });
    await writeFile(join(below, 'file'), 'theirs');
    const shown = await roots.show('shown', { root: join(dir, 'shared'), path: 'a/b', index: 0 });
    expect(await readFile(join(shown, 'file'), 'utf8')).toBe('theirs');
    expect(await roots.show('shown', { root: join(dir, 'shared'), path: '', index: 0 })).toBe(shown);
    expect(await readFile(join(shown, 'a', 'b', 'file'), 'utf8')).toBe('theirs');
    await roots.unmount('shown');
    expect(await readFile(join(shown, 'a', 'b', 'file'), 'utf8').catch(() => 'gone')).toBe('gone');
  });

  it('is none that a link leads to, though it came to lie there after the path was looked at', async () => {
    const root = join(dir, 'shared');
    await mkdir(join(root, 'late'), { recursive: true });
    await rm(join(root, 'late'), { recursive: true });
    await symlink(dir, join(root, 'late'));
    await symlink('a', join(root, 'inside'));
    for (const path of ['late', 'late/top', 'inside/b', '..', 'a/../..', join(dir, 'top')]) {
      await expect(roots.show('shown', { root, path, index: 1 }), path).rejects.toThrow('openat2');
    }
    await roots.unmount('shown');
  });
});
