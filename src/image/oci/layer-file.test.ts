import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { exec } from '../../lib/exec.ts';
import { layerFile } from './layer-file.ts';

const dir = await mkdtemp(join(tmpdir(), 'subako-layers-'));
afterAll(() => rm(dir, { recursive: true }));
const [top, middle, bottom] = ['top', 'middle', 'bottom'].map((name) => join(dir, name)) as [string, string, string];

async function layer(path: string, text?: string): Promise<void> {
  await mkdir(join(path, 'etc'), { recursive: true });
  if (text !== undefined) await writeFile(join(path, 'etc', 'passwd'), text);
}

it('gives a file as the topmost layer that has it, and nothing where none has', async () => {
  await mkdir(top);
  await layer(middle, 'middle');
  await layer(bottom, 'bottom');
  expect(await layerFile([top, middle, bottom], 'etc', 'passwd')).toBe('middle');
  expect(await layerFile([bottom], 'etc', 'group')).toBe('');
});

it('follows no link out of a layer, neither of the file nor of its directory, and opens no pipe', async () => {
  const tricks: Readonly<Record<string, (path: string) => Promise<void>>> = {
    file: (path) => symlink('/etc/passwd', join(path, 'etc', 'passwd')),
    directory: async (path) => {
      await rm(join(path, 'etc'), { recursive: true });
      await symlink('/etc', join(path, 'etc'));
    },
    pipe: async (path) => void (await exec(['mkfifo', join(path, 'etc', 'passwd')])),
  };
  for (const [name, make] of Object.entries(tricks)) {
    const hostile = join(dir, name);
    await layer(hostile);
    await make(hostile);
    expect([name, await layerFile([hostile, bottom], 'etc', 'passwd')]).toEqual([name, '']);
  }
});
