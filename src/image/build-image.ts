/** Builds an image from its recipe with mmdebstrap, which takes the suite with its updates and security fixes from Debian's default mirror. */
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SubakoError } from '../domain/errors.ts';
import { exec, execAny, ExecError } from '../lib/exec.ts';
import { writeFileAtomic } from '../lib/files.ts';
import { treeDigest } from './digest.ts';
import type { ImageFacts } from './image.ts';
import type { Recipe } from './recipe.ts';

export interface BuildOptions {
  /** Directory to fill; it does not exist yet. */
  readonly draft: string;
  readonly progress: (text: string) => void;
}

/** What the packages of a recipe leave in a root, before anything of ours is in it. */
export interface BaseFacts {
  /** Unix time in milliseconds. */
  readonly builtAt: number;
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const BUILD_TIMEOUT_MS = 20 * 60_000;
const STEP_TIMEOUT_MS = 5 * 60_000;

/** The long part, which many recipes and all versions of one share: its packages, installed. */
export async function buildBase(recipe: Recipe, { draft, progress }: BuildOptions): Promise<void> {
  await makeDraft(draft);
  const rootfs = join(draft, 'rootfs');
  await installPackages(recipe, rootfs, progress);
  await purgePackages(recipe, rootfs);
  await tidy(rootfs);
  const facts: BaseFacts = { builtAt: Date.now() };
  await writeFileAtomic(join(draft, 'base.json'), JSON.stringify(facts));
}

/** @param base a directory that `buildBase` filled for the same packages; it stays as it is */
export async function buildImage(recipe: Recipe, { draft, base, progress }: BuildOptions & { readonly base: string }): Promise<void> {
  await makeDraft(draft);
  const rootfs = join(draft, 'rootfs');
  await exec(['cp', '-a', '--reflink=auto', '--', join(base, 'rootfs'), rootfs], { timeoutMs: STEP_TIMEOUT_MS });
  await writeFiles(recipe, rootfs);
  for (const step of recipe.steps) {
    progress(step.title);
    await inRoot(rootfs, step.argv).catch((error: unknown) => {
      throw stepFailed(recipe.name, step.title, error);
    });
  }
  await tidy(rootfs);
  const versions = await runChecks(recipe, rootfs);
  progress('computing the digest');
  const facts: ImageFacts = { name: recipe.name, digest: await treeDigest(rootfs), builtAt: Date.now(), versions };
  await writeFileAtomic(join(draft, 'image.json'), `${JSON.stringify(facts, null, 2)}\n`);
}

function stepFailed(name: string, title: string, error: unknown): SubakoError {
  const output = error instanceof ExecError ? `${error.result.stdout}\n${error.result.stderr}`.trim().slice(-2000) : String(error);
  return new SubakoError('build_failed', `the ${name} image could not be made: ${title} failed`, {
    hint: 'what it said is below; a package may have changed',
    facts: { output },
    cause: error,
  });
}

async function makeDraft(draft: string): Promise<void> {
  await mkdir(draft, { recursive: true });
  await chmod(draft, 0o755);
}

async function installPackages(recipe: Recipe, rootfs: string, progress: BuildOptions['progress']): Promise<void> {
  progress(`fetching Debian ${recipe.suite} packages`);
  const include = `--include=${recipe.packages.join(',')}`;
  const argv = ['mmdebstrap', '--mode=root', '--variant=minbase', `--keyring=${KEYRING}`, include, ...unpacking(recipe), recipe.suite, rootfs];
  const onLine = (line: string): void => {
    const step = /^I: (.*?)\.*$/u.exec(line)?.[1];
    if (step !== undefined) progress(step);
  };
  const result = await execAny(argv, { timeoutMs: BUILD_TIMEOUT_MS, onLine });
  if (result.code === 0) return;
  const said = result.stderr
    .split('\n')
    .filter((line) => line.startsWith('E:'))
    .slice(0, 3)
    .join(' ');
  throw new SubakoError('build_failed', `the ${recipe.name} image could not be made: ${said === '' ? 'mmdebstrap failed' : said}`, {
    hint: 'check that this machine reaches its Debian mirror (apt-get update) and has 2 GiB of free disk, then try again',
    facts: { stderr: result.stderr.slice(-2000), code: result.code },
  });
}

/** Inside the new root while it still has its package lists. Their names are of a recipe, so of the platform's own. */
function unpacking({ unpacked = [] }: Recipe): string[] {
  return unpacked.map((name) => {
    const dir = `/usr/local/src/${name}`;
    const there = `mkdir ${dir} && cd ${dir} && apt-get -q -o APT::Sandbox::User=root download ${name} && dpkg-deb -x ${name}_*.deb . && rm ${name}_*.deb`;
    return `--customize-hook=chroot "$1" sh -c '${there}'`;
  });
}

async function purgePackages(recipe: Recipe, rootfs: string): Promise<void> {
  if (recipe.purge.length === 0) return;
  await inRoot(rootfs, ['dpkg', '--purge', '--force-depends', '--force-remove-essential', ...recipe.purge]);
}

async function writeFiles(recipe: Recipe, rootfs: string): Promise<void> {
  for (const directory of recipe.directories) await mkdir(join(rootfs, directory), { recursive: true });
  for (const file of recipe.files) {
    const path = join(rootfs, file.path);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, file.text);
    await chmod(path, file.mode ?? 0o644);
  }
}

/** Package lists, caches and logs differ from build to build and serve nobody at run time. */
async function tidy(rootfs: string): Promise<void> {
  const useless = [
    'var/lib/apt/lists',
    'var/cache/apt',
    'var/cache/debconf',
    'var/log/apt',
    'var/log/dpkg.log',
    'var/log/alternatives.log',
    'var/log/bootstrap.log',
    'var/cache/ldconfig/aux-cache',
  ];
  for (const path of useless) await rm(join(rootfs, path), { recursive: true, force: true });
}

async function runChecks(recipe: Recipe, rootfs: string): Promise<Record<string, string>> {
  const versions: Record<string, string> = {};
  for (const check of recipe.checks) {
    const result = await execAny(['chroot', rootfs, ...check.argv], { timeoutMs: STEP_TIMEOUT_MS });
    const found = check.expect.exec(`${result.stdout}\n${result.stderr}`)?.[1];
    if (found === undefined) {
      throw new SubakoError('build_failed', `the ${recipe.name} image is not usable: ${check.name} is missing or not as expected`, {
        hint: 'a package may have changed its layout; see the facts',
        facts: { argv: check.argv, stdout: result.stdout.slice(-500), stderr: result.stderr.slice(-500) },
      });
    }
    versions[check.name] = found;
  }
  return versions;
}

async function inRoot(rootfs: string, argv: readonly string[]): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive', HOME: '/root' };
  await exec(['chroot', rootfs, ...argv], { timeoutMs: STEP_TIMEOUT_MS, env });
}
