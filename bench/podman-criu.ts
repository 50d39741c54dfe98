/** What podman lacks here to restore a container: Debian 12's crun is built without CRIU, and its CRIU is older than this kernel. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../src/lib/exec.ts';

export interface OciRuntime {
  readonly program: string;
  /** What podman itself is run with. */
  readonly env: Readonly<Record<string, string>>;
}

/** What our own restores do without, spared podman too; without `external mnt[]` the dump is refused in a user namespace. */
const CRIU_CONFIG = 'external mnt[]\nempty-ns net\nnetwork-lock skip\n';
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The toolbox's crun and its stock CRIU, each behind a two-line script, and the library that the one calls the other by. */
export async function makeCriuRuntime(dir: string, toolbox: string): Promise<OciRuntime> {
  const [bin, libcriu] = [join(dir, 'bin'), join(dir, 'root')];
  await mkdir(bin, { recursive: true });
  await exec(['mmdebstrap', '--mode=root', '--variant=extract', '--include=libcriu2', 'trixie', libcriu], { timeoutMs: 300_000 });
  const triplet = await oneOf(join(toolbox, 'usr/lib'), /-linux-gnu$/u);
  const libraries = join(toolbox, 'usr/lib', triplet);
  const loader = join(libraries, await oneOf(libraries, /^ld-linux-.*\.so/u));
  // Nothing but libcriu: the rest of that root belongs to another libc.
  const only = join(dir, 'lib');
  await mkdir(only);
  await exec(['cp', '--', join(libcriu, 'usr/lib', triplet, 'libcriu.so.2'), only]);
  const config = join(dir, 'criu.conf');
  await writeFile(config, CRIU_CONFIG);
  const criu = [`unset LD_LIBRARY_PATH`, `CRIU_CONFIG_FILE=${config} exec ${loader} --library-path ${libraries} ${join(toolbox, 'usr/sbin/criu')} "$@"`];
  const crun = [`PATH=${bin}:${PATH} LD_LIBRARY_PATH=${only} exec ${join(toolbox, '../bin/crun')} "$@"`];
  await script(join(bin, 'criu'), criu);
  await script(join(bin, 'crun'), crun);
  return { program: join(bin, 'crun'), env: { PATH: `${bin}:${PATH}` } };
}

async function oneOf(dir: string, name: RegExp): Promise<string> {
  const found = (await readdir(dir)).find((one) => name.test(one));
  if (found === undefined) throw new Error(`nothing like ${name.source} in ${dir}`);
  return found;
}

async function script(path: string, lines: readonly string[]): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o755 });
}
