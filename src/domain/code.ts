/** What a site is made of whose code is its owner's and whose image is a stack's. */

/** One state of the code, whole and unchanging. */
export interface Release {
  /** `20260131T235959999Z-` and letters that nobody guesses: they sort by their age. */
  readonly name: string;
  /** Below it, where visitors' files are: `public`, say; empty for all of it. */
  readonly documentRoot: string;
  /** What is run, where the stack finds that in the code. */
  readonly command?: readonly string[] | undefined;
  readonly files: number;
  readonly bytes: number;
}

export interface Code {
  /** Rises with each change: an instance that was made of an older one makes room for the next. */
  readonly version: number;
  readonly release: Release;
  /** Which of the stack's web servers serves it, where it has several. */
  readonly web?: string | undefined;
  /** Variables of its owner's. May hold secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** Variables that the platform made for it: its database, its keys. */
  readonly ownEnv: Readonly<Record<string, string>>;
  /** Directories of the code that outlive releases: each is a link to one below the site's data. */
  readonly shared: readonly string[];
  /** A command line that a shell in a container of the site's runs in each new release, before it is one. */
  readonly build?: string | undefined;
}

const RELEASE = /^\d{8}T\d{9}Z-[a-z2-9]{16}$/u;

/** @param letters sixteen that nobody guesses: whoever knows the name of a release could read it on the machine */
export function releaseName(at: Date, letters: string): string {
  return `${at.toISOString().replaceAll(/[-:.]/gu, '')}-${letters}`;
}

/** Whether a directory's name is a release's. */
export function isReleaseName(name: string): boolean {
  return RELEASE.test(name);
}
