/** An image in the OCI's sense: layers of files, and how a container is made of them. */

export interface OciImage {
  /** `sha256:…` of its configuration, which names its layers: what records of sites and containers hold. */
  readonly id: string;
  /** Such as `localhost/app:latest`; an image without a name is only kept for those that use it. */
  readonly names: readonly string[];
  /** Host directories with what each layer holds, as overlayfs reads them, the topmost first. They never change. */
  readonly layers: readonly string[];
  readonly config: OciImageConfig;
  /** Unix time in milliseconds. */
  readonly createdAt: number;
  readonly sizeBytes: number;
}

/** What the image's maker says. All of it is a stranger's text: nothing is to be done with it that would not be done for any text. */
export interface OciImageConfig {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** `NAME=value`, as the image has them. */
  readonly env: readonly string[];
  /** Absolute; `/` where the image has none. */
  readonly workingDir: string;
  /** As in a Dockerfile: `user`, `user:group`, `1000`, `1000:1000`; empty: root. */
  readonly user: string;
  /** Such as `8080/tcp`. */
  readonly exposedPorts: readonly string[];
  /** Directories that want a volume. */
  readonly volumes: readonly string[];
  /** Such as `SIGTERM`; empty where the image has none. */
  readonly stopSignal: string;
  readonly healthcheck: OciHealthcheck | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

export interface OciHealthcheck {
  /** `['CMD', …]`, `['CMD-SHELL', line]`, or `['NONE']`. */
  readonly test: readonly string[];
  readonly intervalMs: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly startPeriodMs: number | undefined;
  readonly retries: number | undefined;
}
