/** Which packages of an image have security updates waiting, and which known holes it has. */
import { join } from 'node:path';
import { asSubakoError, SubakoError } from '../../../domain/errors.ts';
import { execAny } from '../../../lib/exec.ts';
import { Semaphore } from '../../../lib/semaphore.ts';
import { SingleFlight } from '../../../lib/single-flight.ts';
import type { ImageTools } from '../image-tools.ts';
import type { Worker } from '../shared-work.ts';
import type { StoredImage } from '../storage-files.ts';
import { parseStatus } from './dpkg-status.ts';
import type { DebianPackage } from './dpkg-status.ts';
import { compareVersions } from './dpkg-version.ts';
import type { Hole } from './holes.ts';
import { LayerFiles } from './layer-files.ts';
import { askScanner, findScanner } from './scanner-program.ts';
import type { ScannerReport, ScannerSettings } from './scanner-program.ts';
import { fetchSecurityList, parseRelease } from './security-list.ts';
import type { Release, SecurityList } from './security-list.ts';

interface WaitingUpdate {
  readonly package: string;
  readonly source: string;
  readonly installed: string;
  /** The version that the security archive has. */
  readonly fixed: string;
}

/** What the distribution says. */
interface PackageReport {
  /** Such as `debian trixie`. */
  readonly distribution: string;
  /** How many packages were looked at. */
  readonly packages: number;
  readonly updates: readonly WaitingUpdate[];
  /** When the security archive was last changed: Unix time in milliseconds. */
  readonly asOf: number;
}

/** Of two who may know something: the distribution, and Trivy or Grype. At least one of them did. */
export interface ScanReply {
  readonly image: string;
  readonly distribution: string | null;
  readonly packages: number;
  readonly updates: readonly WaitingUpdate[];
  readonly asOf: number | null;
  /** `trivy` or `grype`, where it was asked and had an answer. */
  readonly scanner: string | null;
  readonly holes: readonly Hole[];
  /** Why the other one said nothing. */
  readonly unsaid: string | null;
}

/** Of the image's database of packages, in all its files. A desktop's has 10 MiB. */
const MAX_DATABASE_BYTES = 32 * 1024 ** 2;
/** Of its files, where each package has one. */
const MAX_FILES = 10_000;

export class Scanner {
  readonly #tools: ImageTools;
  readonly #settings: ScannerSettings;
  readonly #lists = new SingleFlight<SecurityList>();
  readonly #turns = new Semaphore(1);

  constructor(tools: ImageTools, settings: ScannerSettings) {
    this.#tools = tools;
    this.#settings = settings;
  }

  /**
   * By what the image's own package database says, and by what Trivy or Grype find in it where this machine has one.
   * @throws SubakoError `command_failed` where nothing can be said: no such database, no known distribution, or no list to compare with, and no scanner that knows more
   */
  async scan(image: StoredImage, worker: Worker): Promise<ScanReply> {
    const program = await findScanner(this.#settings);
    const [packages, scanner] = await Promise.all([
      this.#packages(image, worker).catch(whyUnsaid),
      program === undefined ? undefined : this.#asked(program, image, worker).catch(asSubakoError),
    ]);
    return scanReply(image.names[0] ?? image.id, packages, scanner);
  }

  /** In turn: see `askScanner`. */
  #asked(program: string, image: StoredImage, worker: Worker): Promise<ScannerReport> {
    return this.#turns.run(() => askScanner(program, image, { ...this.#settings, tools: this.#tools, worker }));
  }

  async #packages(image: StoredImage, { progress }: Worker): Promise<PackageReport> {
    const files = await this.#filesOf(image, progress);
    const release = await releaseOf(files);
    const installed = await installedIn(files);
    progress(`fetching the security updates of ${release.distribution} ${release.suite}`);
    const list = await this.#listOf(release);
    return {
      distribution: `${release.distribution} ${release.suite}`,
      packages: installed.length,
      updates: waitingUpdates(installed, list.packages),
      asOf: list.date,
    };
  }

  async #filesOf({ layers }: StoredImage, progress: (text: string) => void): Promise<LayerFiles> {
    const { getfattr } = await this.#tools.programs(progress);
    const isOpaque = async (dir: string): Promise<boolean> => {
      const result = await execAny([getfattr, '--no-dereference', '--absolute-names', '--only-values', '--name=trusted.overlay.opaque', '--', dir]);
      return result.code === 0 && result.stdout === 'y';
    };
    return new LayerFiles({ layers, isOpaque, maxBytes: MAX_DATABASE_BYTES, maxNames: MAX_FILES });
  }

  #listOf(release: Release): Promise<SecurityList> {
    const name = `${release.distribution}-${release.suite}`;
    return this.#lists.run(name, () => fetchSecurityList(release, join(this.#tools.dir, 'security', name), this.#tools.environment));
  }
}

function hintOf(...errors: readonly SubakoError[]): { hint?: string } {
  const hint = errors.find((error) => error.hint !== undefined)?.hint;
  return hint === undefined ? {} : { hint };
}

/** An image may be made so that it holds more than anybody would read. */
function whyUnsaid(thrown: unknown): SubakoError {
  if (!(thrown instanceof RangeError)) return asSubakoError(thrown);
  return new SubakoError('command_failed', `${thrown.message}, so nothing can be said about it`, { cause: thrown });
}

/** Pure. @throws the errors as one where nobody could say anything */
function scanReply(image: string, packages: PackageReport | SubakoError, scanner: ScannerReport | SubakoError | undefined): ScanReply {
  const found = scanner instanceof SubakoError ? undefined : scanner;
  if (packages instanceof SubakoError && found === undefined) {
    if (!(scanner instanceof SubakoError)) throw packages;
    throw new SubakoError(packages.code, `${packages.message}; ${scanner.message}`, { ...hintOf(scanner, packages), facts: scanner.facts, cause: scanner });
  }
  const unsaid = [packages, scanner].find((one) => one instanceof SubakoError)?.message ?? null;
  const known = packages instanceof SubakoError ? { distribution: null, packages: 0, updates: [], asOf: null } : packages;
  return { image, ...known, scanner: found?.program ?? null, holes: found?.holes ?? [], unsaid };
}

/** Pure. */
export function waitingUpdates(installed: readonly DebianPackage[], archive: readonly DebianPackage[]): WaitingUpdate[] {
  const newest = new Map<string, string>();
  for (const { name, version } of archive) {
    const known = newest.get(name);
    if (known === undefined || compareVersions(known, version) < 0) newest.set(name, version);
  }
  return installed
    .map(({ name, source, version }) => ({ package: name, source, installed: version, fixed: newest.get(name) ?? version }))
    .filter((one) => compareVersions(one.installed, one.fixed) < 0)
    .toSorted((a, b) => a.package.localeCompare(b.package));
}

async function releaseOf(files: LayerFiles): Promise<Release> {
  const osRelease = (await files.read('usr/lib/os-release')) ?? (await files.read('etc/os-release'));
  const release = parseRelease(osRelease ?? '');
  if (release !== undefined) return release;
  throw new SubakoError('command_failed', 'the image is of no distribution whose security updates are known here, so nothing can be said about it', {
    hint: 'Debian and Ubuntu are known',
  });
}

async function installedIn(files: LayerFiles): Promise<DebianPackage[]> {
  const status = (await files.read('var/lib/dpkg/status')) ?? '';
  const parts = (await files.list('var/lib/dpkg/status.d')).filter((name) => !name.endsWith('.md5sums'));
  const texts = [status];
  let bytes = status.length;
  for (const name of parts) {
    const text = (await files.read(`var/lib/dpkg/status.d/${name}`)) ?? '';
    bytes += text.length;
    if (bytes > MAX_DATABASE_BYTES) throw new RangeError(`the image's database of packages has more than ${MAX_DATABASE_BYTES} bytes`);
    texts.push(text);
  }
  const packages = parseStatus(texts.join('\n\n'));
  if (packages.length > 0) return packages;
  throw new SubakoError('command_failed', 'the image has no database of packages, so nothing can be said about it', {
    hint: 'it was made without dpkg, or cleared of it',
  });
}
