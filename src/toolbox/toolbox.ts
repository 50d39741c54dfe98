/** The toolbox: programs of a known version that run on any host. */
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exec, execAny } from '../lib/exec.ts';
import type { Image } from '../image/image.ts';
import type { ImageStore, Progress } from '../image/image-store.ts';
import { KDAT_PATH, OWN_KDAT_PATH } from '../runtime/criu/kernel-facts.ts';
import type { ImagePrograms } from '../image/oci/image-tools.ts';
import { CRIU_SOCKET_OPTIONS } from './criu-socket-options.ts';
import { IMAGE_TOOLS_RECIPE, TOOLBOX_RECIPE } from './recipe.ts';

export interface Toolbox {
  readonly image: Image;
  /** Programs that run straight on the host, with the toolbox's own loader and libraries. */
  readonly crun: string;
  readonly criu: string;
  /** A library that it is to be started with while it dumps. */
  readonly criuPreload: string;
  /** Command line of a perl that finds its own modules. */
  readonly perl: readonly string[];
  readonly ip: string;
  readonly ss: string;
  readonly nft: string;
}

/** The platform's toolbox, made when it is missing or its recipe has changed. */
export async function ensureToolbox(store: ImageStore, progress: Progress): Promise<Toolbox> {
  const image = await store.ensure(TOOLBOX_RECIPE, progress);
  const crun = await hostProgram(image, { path: 'usr/bin/crun' });
  const criu = await hostProgram(image, { path: 'usr/sbin/criu', replace: [KDAT_PATH, OWN_KDAT_PATH] });
  const ip = await hostProgram(image, { path: 'usr/bin/ip', asksVersion: '-V' });
  const ss = await hostProgram(image, { path: 'usr/bin/ss', asksVersion: '-V' });
  await hostProgram(image, { path: 'usr/bin/perl' });
  const nft = await hostProgram(image, { path: 'usr/sbin/nft' });
  return { image, crun, criu, criuPreload: join(image.rootfs, CRIU_SOCKET_OPTIONS), ip, ss, nft, perl: perlOf(image) };
}

/** The programs for images, from a toolbox of their own: a host that runs WordPress alone never fetches them. */
export async function ensureImageTools(store: ImageStore, progress: Progress): Promise<ImagePrograms> {
  const image = await store.ensure(IMAGE_TOOLS_RECIPE, progress);
  return {
    skopeo: await hostProgram(image, { path: 'usr/bin/skopeo', isGo: true }),
    buildah: await hostProgram(image, { path: 'usr/bin/buildah', isGo: true }),
    containersStorage: await hostProgram(image, { path: 'usr/bin/containers-storage', isGo: true, asksVersion: '--help' }),
    getfattr: await hostProgram(image, { path: 'usr/bin/getfattr' }),
    helpers: join(image.rootfs, 'usr/lib/podman'),
    seccompProfile: join(image.rootfs, 'usr/share/containers/seccomp.json'),
  };
}

const LOADER: Readonly<Record<string, { path: string; libraries: string }>> = {
  x64: { path: 'lib64/ld-linux-x86-64.so.2', libraries: 'usr/lib/x86_64-linux-gnu' },
  arm64: { path: 'lib/ld-linux-aarch64.so.1', libraries: 'usr/lib/aarch64-linux-gnu' },
};

function loaderHere(): { path: string; libraries: string } {
  const loader = LOADER[process.arch];
  if (loader === undefined) throw new Error(`no loader known for ${process.arch}`);
  return loader;
}

/** Command line of the toolbox's perl, which is there once the toolbox was used. */
export function perlOf(image: Image): readonly string[] {
  return [join(image.dir, 'bin', 'perl'), `-I${join(image.rootfs, loaderHere().libraries, 'perl-base')}`];
}

export interface HostProgram {
  readonly path: string;
  /** A text in the program, and the one that takes its place; not longer. */
  readonly replace?: readonly [from: string, to: string];
  /** Default: `--version`. */
  readonly asksVersion?: string;
  /** Programs in Go crash at once when patchelf sorts their headers. */
  readonly isGo?: boolean;
  /** It has neither loader nor libraries, and starts as it is. */
  readonly isStatic?: boolean;
}

/**
 * A copy of a toolbox program that names the toolbox's loader and libraries, so that it starts on a host with an older libc
 * without chroot or a wrapper (crun must see the host's paths, and runs itself again through /proc/self/exe).
 * Made beside the root, because the path is part of it.
 */
export async function hostProgram(image: Image, { path, replace, asksVersion = '--version', isGo = false, isStatic = false }: HostProgram): Promise<string> {
  const bin = join(image.dir, 'bin');
  const target = join(bin, path.split('/').at(-1) ?? path);
  // It is there and starts: a state directory that was moved would leave it without its loader.
  if (await starts(target, asksVersion)) return target;
  const loader = loaderHere();
  const libraries = join(image.rootfs, loader.libraries);
  const draft = `${target}.${process.pid}~`;
  await mkdir(bin, { recursive: true });
  try {
    await writeFile(draft, withText(await readFile(join(image.rootfs, path)), replace));
    await chmod(draft, 0o755);
    const patchelf = [join(image.rootfs, loader.path), '--library-path', libraries, join(image.rootfs, 'usr/bin/patchelf')];
    const sorting = isGo ? ['--no-sort'] : [];
    const named = ['--set-interpreter', join(image.rootfs, loader.path), '--force-rpath', '--set-rpath', libraries];
    if (!isStatic) await exec([...patchelf, ...sorting, ...named, draft]);
    await exec([draft, asksVersion]);
    await rename(draft, target);
  } finally {
    await rm(draft, { force: true });
  }
  return target;
}

function starts(program: string, asksVersion: string): Promise<boolean> {
  return execAny([program, asksVersion]).then(
    (result) => result.code === 0,
    () => false,
  );
}

/** @throws when the text is not there exactly once: then it is not the program we know */
function withText(program: Buffer, replace: HostProgram['replace']): Buffer {
  if (replace === undefined) return program;
  const [from, to] = replace;
  const at = program.indexOf(`${from}\0`);
  if (at === -1 || program.indexOf(`${from}\0`, at + 1) !== -1) throw new Error(`“${from}” is not in the program exactly once`);
  program.write(to.padEnd(from.length, '\0'), at, 'latin1');
  return program;
}
