/** An image of a small web app (app.pl): a perl of Debian's, and nothing else. */
import { copyFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exec } from '../../src/lib/exec.ts';
import { copyPrograms, toolboxRoot } from './program-root.ts';
import type { TestPlatform } from './platform.ts';

const SCRIPT = fileURLToPath(new URL('app.pl', import.meta.url));
/** Programs of the toolbox that come with their libraries. */
const PROGRAMS = ['/usr/bin/perl', '/usr/bin/cat', '/usr/bin/sleep'];

export interface AppImage {
  readonly name: string;
  readonly user?: string;
  readonly exposedPorts?: readonly string[];
  readonly env?: readonly string[];
  /** A line that is in the image alone. */
  readonly mark?: string;
}

/** Imports it into a platform that is up. */
export async function importAppImage(
  platform: TestPlatform,
  { name, user = 'app', exposedPorts = ['8080/tcp'], env = [], mark = '' }: AppImage,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'subako-app-'));
  try {
    const root = join(dir, 'root');
    await fillRoot(platform, root);
    await writeFile(join(root, 'mark'), mark);
    const file = join(dir, 'app.tar');
    await exec(['tar', '--create', '--file', file, '--directory', root, '--numeric-owner', '--owner=0', '--group=0', '.']);
    const config = { entrypoint: ['perl', '/app.pl'], cmd: [], env: [...env], exposedPorts: [...exposedPorts], user, workingDir: '/' };
    await platform.api.work('/v1/images/import', { file, name, format: 'rootfs', config }, () => undefined);
  } finally {
    await rm(dir, { recursive: true });
  }
}

async function fillRoot(platform: TestPlatform, root: string): Promise<void> {
  const toolbox = await toolboxRoot(platform);
  const modules = (await exec(['find', join(toolbox, 'usr/lib'), '-maxdepth', '2', '-name', 'perl-base'])).stdout.trim().slice(toolbox.length);
  await copyPrograms(toolbox, root, PROGRAMS);
  await cp(join(toolbox, modules), join(root, modules), { recursive: true });
  await copyFile(SCRIPT, join(root, 'app.pl'));
  await mkdir(join(root, 'etc'), { recursive: true });
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0::/:\napp:x:1000:1001::/:\n');
  await writeFile(join(root, 'etc/group'), 'root:x:0:\napp:x:1001:\nmore:x:1002:app\n');
  await mkdir(join(root, 'var/lib/data'), { recursive: true });
}
