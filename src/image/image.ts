/** An image: a root file system that never changes, known by the digest of its content. */

export interface ImageFacts {
  readonly name: string;
  /** `sha256:…` over every path, type, mode, owner and content. */
  readonly digest: string;
  /** Unix time in milliseconds. */
  readonly builtAt: number;
  /** Versions that the recipe's checks read from the programs themselves. */
  readonly versions: Readonly<Record<string, string>>;
}

export interface Image extends ImageFacts {
  /** Directory that holds `rootfs` and `image.json`. */
  readonly dir: string;
  readonly rootfs: string;
}
