/** Code: what a site runs whose owner brings code, in an image that is the stack's. */

/** One state of the code. It never changes: a deploy makes another one. */
export interface Release {
  /** `20260131T235959999Z-` and letters that nobody guesses, so that names sort by age. */
  readonly name: string;
  /** Directory of the files for visitors, such as `public`, relative to the code; empty for all of it. */
  readonly documentRoot: string;
  /** What is run, where the stack finds it in the code. */
  readonly command?: readonly string[] | undefined;
  readonly files: number;
  readonly bytes: number;
}

export interface Code {
  /** Rises with each change. An instance that was started with an older version is replaced. */
  readonly version: number;
  readonly release: Release;
  /** Which web server serves it, where the stack has several. */
  readonly web?: string | undefined;
  /** Variables that the owner set. May hold secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** Variables that the platform made for the site: its database, its keys. */
  readonly ownEnv: Readonly<Record<string, string>>;
  /** Directories that outlive releases. In each release they are links to directories below the site's data. */
  readonly shared: readonly string[];
  /** A command line that a shell in a container of the site's runs in each new release, before it is one. */
  readonly build?: string | undefined;
}

const RELEASE = /^\d{8}T\d{9}Z-[a-z2-9]{16}$/u;

/** @param letters sixteen random ones: a user of the machine who knew the name of a release could read it */
export function releaseName(at: Date, letters: string): string {
  return `${at.toISOString().replaceAll(/[-:.]/gu, '')}-${letters}`;
}

/** Whether a directory's name is a release's. */
export function isReleaseName(name: string): boolean {
  return RELEASE.test(name);
}
