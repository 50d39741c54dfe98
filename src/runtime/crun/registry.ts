/** crun's own record of a container: kept with a checkpoint, and written for a container that CRIU brought back, so that crun knows it as its own. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity } from '../../domain/instance.ts';

/** The compiled filter, which `crun exec` gives to what it starts. */
const FILTER = 'seccomp.bpf';
const STATUS = 'status';

export interface Registration {
  readonly id: string;
  readonly process: ProcessIdentity;
  readonly bundle: string;
  readonly cgroupPath: string;
  readonly rootfs: string;
}

/** Copies what `register` will need of a running container into a checkpoint's directory. */
export async function saveRegistration(root: string, id: string, into: string): Promise<void> {
  await copyFile(join(root, id, FILTER), join(into, FILTER));
  await writeFile(join(into, STATUS), await readFile(join(root, id, STATUS)), { mode: 0o600 });
}

export function register(root: string, from: string, { id, process, bundle, cgroupPath, rootfs }: Registration): void {
  const dir = join(root, id);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  copyFileSync(join(from, FILTER), join(dir, FILTER));
  copyFileSync(join(bundle, 'config.json'), join(dir, 'config.json'));
  const saved = JSON.parse(readFileSync(join(from, STATUS), 'utf8')) as Record<string, unknown>;
  const status = { ...saved, pid: process.pid, 'process-start-time': Number(process.startTime), 'cgroup-path': cgroupPath, rootfs, bundle };
  writeFileSync(join(dir, STATUS), JSON.stringify(status), { mode: 0o600 });
}
