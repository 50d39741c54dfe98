/** An image that is quick to start: busybox, and two users. */
import { chown, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '../../src/cli/client.ts';
import { exec } from '../../src/lib/exec.ts';
import { needPackages } from '../../tools/packages.ts';

const COMMANDS = `sh cat echo id ls true false sleep env printenv pwd touch mkdir rm httpd nc wget stty trap head grep kill mount hostname stat chmod chown
  tail sync dmesg`.split(/\s+/u);
const APP = 1000;

/** Imports it as `busybox`. @param dir for work, which the caller removes */
export async function importBusybox(api: Client, dir: string): Promise<void> {
  await needPackages({ busybox: 'busybox-static' });
  const root = join(dir, 'busybox');
  for (const sub of ['bin', 'etc', 'home/app', 'root', 'srv/seeded']) await mkdir(join(root, sub), { recursive: true });
  await copyFile((await exec(['which', 'busybox'])).stdout.trim(), join(root, 'bin', 'busybox'));
  for (const name of COMMANDS) await symlink('busybox', join(root, 'bin', name));
  await writeFile(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n');
  await writeFile(join(root, 'etc', 'group'), 'root:x:0:\napp:x:1000:\nextra:x:2000:app\n');
  await writeFile(join(root, 'srv', 'seeded', 'file'), 'of the image');
  for (const path of ['home/app', 'srv/seeded', 'srv/seeded/file']) await chown(join(root, path), APP, APP);
  // Links that lead out, for whoever follows them as the machine's root.
  await symlink('../../../../../../../../etc', join(root, 'srv', 'climbing'));
  await symlink('/etc/hostname', join(root, 'srv', 'seeded', 'leading'));
  const file = join(dir, 'busybox.tar');
  await exec(['tar', '--create', '--directory', root, '--file', file, '.']);
  await api.work('/v1/images/import', { file, name: 'busybox', config: { cmd: ['/bin/sh'] } }, () => undefined);
}
