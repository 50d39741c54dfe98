/** Which packages of an image have security updates waiting. */
import { join } from 'node:path';
import { SubakoError } from '../../../domain/errors.ts';
import { execAny } from '../../../lib/exec.ts';
import { SingleFlight } from '../../../lib/single-flight.ts';
import type { ImageTools } from '../image-tools.ts';
import type { StoredImage } from '../storage-files.ts';
import { parseStatus } from './dpkg-status.ts';
import type { DebianPackage } from './dpkg-status.ts';
import { compareVersions } from './dpkg-version.ts';
import { LayerFiles } from './layer-files.ts';
import { fetchSecurityList, parseRelease } from './security-list.ts';
import type { Release, SecurityList } from './security-list.ts';

interface WaitingUpdate {
  readonly package: string;
  readonly source: string;
  readonly installed: string;
  /** The version that the security archive has. */
  readonly fixed: string;
}

export interface ScanReply {
  readonly image: string;
  /** Such as `debian trixie`. */
  readonly distribution: string;
  /** How many packages were looked at. */
  readonly packages: number;
  readonly updates: readonly WaitingUpdate[];
  /** When the security archive was last changed: Unix time in milliseconds. */
  readonly asOf: number;
}

const MAX_FILE_BYTES = 64 * 1024 ** 2;

export class Scanner {
  readonly #tools: ImageTools;
  readonly #lists = new SingleFlight<SecurityList>();

  constructor(tools: ImageTools) {
    this.#tools = tools;
  }

  /**
   * By what the image's own package database says: software that came another way is not seen.
   * @throws SubakoError `command_failed` where nothing can be said: no such database, no known distribution, or no list to compare with
   */
  async scan(image: StoredImage, progress: (text: string) => void): Promise<ScanReply> {
    const files = await this.#filesOf(image, progress);
    const release = await releaseOf(files);
    const installed = await installedIn(files);
    progress(`fetching the security updates of ${release.distribution} ${release.suite}`);
    const list = await this.#listOf(release);
    const updates = waitingUpdates(installed, list.packages);
    return {
      image: image.names[0] ?? image.id,
      distribution: `${release.distribution} ${release.suite}`,
      packages: installed.length,
      updates,
      asOf: list.date,
    };
  }

  async #filesOf({ layers }: StoredImage, progress: (text: string) => void): Promise<LayerFiles> {
    const { getfattr } = await this.#tools.programs(progress);
    const isOpaque = async (dir: string): Promise<boolean> => {
      const result = await execAny([getfattr, '--no-dereference', '--absolute-names', '--only-values', '--name=trusted.overlay.opaque', '--', dir]);
      return result.code === 0 && result.stdout === 'y';
    };
    return new LayerFiles({ layers, isOpaque, maxBytes: MAX_FILE_BYTES });
  }

  #listOf(release: Release): Promise<SecurityList> {
    const name = `${release.distribution}-${release.suite}`;
    return this.#lists.run(name, () => fetchSecurityList(release, join(this.#tools.dir, 'security', name), this.#tools.environment));
  }
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
  const texts = await Promise.all(parts.map((name) => files.read(`var/lib/dpkg/status.d/${name}`)));
  const packages = parseStatus([status, ...texts].join('\n\n'));
  if (packages.length > 0) return packages;
  throw new SubakoError('command_failed', 'the image has no database of packages, so nothing can be said about it', {
    hint: 'it was made without dpkg, or cleared of it',
  });
}
