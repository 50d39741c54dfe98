/** A recipe: everything that decides what is in a root file system made from signed Debian packages. */
import { createHash } from 'node:crypto';

export interface RecipeFile {
  /** Absolute path inside the image; its directories are made. */
  readonly path: string;
  readonly text: string;
  /** Default: 0o644. */
  readonly mode?: number;
}

interface RecipeStep {
  /** What a person sees while it runs. */
  readonly title: string;
  /** Run inside the root by chroot, as root, without a shell. */
  readonly argv: readonly string[];
}

interface RecipeCheck {
  readonly name: string;
  readonly argv: readonly string[];
  /** Its first group is the version that is recorded. */
  readonly expect: RegExp;
}

export interface Recipe {
  readonly name: string;
  /** Debian release, such as `trixie`. */
  readonly suite: string;
  readonly packages: readonly string[];
  /** Packages whose files are put below `/usr/local/src/NAME`, without what they depend on: headers, say, for a step that removes them again. */
  readonly unpacked?: readonly string[];
  /** Packages that came along and are taken out again, whatever depends on them. */
  readonly purge: readonly string[];
  /** Directories that a read-only root must already have. */
  readonly directories: readonly string[];
  readonly files: readonly RecipeFile[];
  readonly steps: readonly RecipeStep[];
  readonly checks: readonly RecipeCheck[];
}

/** Raise it when the way of building changes what comes out of the same recipe. */
const BUILDER_VERSION = 1;

/** Names the packages alone, which take the longest: recipes that differ in the rest share them. */
export function baseKey({ suite, packages, unpacked = [], purge }: Recipe): string {
  const text = JSON.stringify([suite, packages, ...unpacked, purge, process.arch, BUILDER_VERSION]);
  return `base-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}

/** Names what the recipe makes: the same recipe on the same architecture has the same key, any change gives another. */
export function recipeKey(recipe: Recipe): string {
  const checks = recipe.checks.map((check) => ({ ...check, expect: check.expect.source }));
  const text = JSON.stringify({ ...recipe, checks, arch: process.arch, builder: BUILDER_VERSION });
  return `${recipe.name}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}
