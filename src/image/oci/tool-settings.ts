/** The configuration of skopeo, buildah and containers/storage: all of it ours, so that nothing depends on what the machine has in /etc/containers. */

/** How one registry is spoken to. */
export interface RegistrySettings {
  /** Plain http, or a certificate that nobody vouches for, is accepted. */
  readonly insecure?: boolean | undefined;
  /** Directory with `*.crt` of authorities by which its certificate is trusted. */
  readonly certDir?: string | undefined;
  /** Another one, and a path in it, that is asked first for its images. */
  readonly mirror?: string | undefined;
}

export interface ToolSettingsOptions {
  readonly storage: string;
  readonly run: string;
  readonly crun: string;
  readonly seccompProfile: string;
  readonly helpers: string;
  readonly registries: Readonly<Record<string, RegistrySettings>>;
}

/** Texts by file name. Pure. */
export function toolSettings({ storage, run, crun, seccompProfile, helpers, registries }: ToolSettingsOptions): Readonly<Record<string, string>> {
  return {
    'policy.json': JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }),
    'storage.conf': lines(
      '[storage]',
      'driver = "overlay"',
      `graphroot = ${quoted(storage)}`,
      `runroot = ${quoted(run)}`,
      '[storage.options]',
      // Layers are whole or not there: what is in one is checked by its digest, not file by file.
      'pull_options = {enable_partial_images = "false", use_hard_links = "false", ostree_repos = ""}',
      '[storage.options.overlay]',
      'skip_mount_home = "true"',
      // An image may hold device files: steps of a build do not get them. metacopy: for these, every file of an image gets other owners, not a copy.
      'mountopt = "nodev,metacopy=on"',
    ),
    'registries.conf': lines(
      'unqualified-search-registries = ["docker.io"]',
      'short-name-mode = "disabled"',
      ...Object.entries(registries).flatMap(([name, settings]) => registryLines(name, settings, registries)),
    ),
    'containers.conf': lines(
      '[containers]',
      `seccomp_profile = ${quoted(seccompProfile)}`,
      'apparmor_profile = ""',
      '[engine]',
      'cgroup_manager = "cgroupfs"',
      'events_logger = "none"',
      `helper_binaries_dir = [${quoted(helpers)}]`,
      'runtime = "crun"',
      '[engine.runtimes]',
      `crun = [${quoted(crun)}]`,
    ),
  };
}

function registryLines(name: string, { insecure = false, mirror }: RegistrySettings, all: ToolSettingsOptions['registries']): string[] {
  const own = ['[[registry]]', `location = ${quoted(name)}`, `insecure = ${insecure}`];
  if (mirror === undefined) return own;
  const host = mirror.split('/')[0] ?? '';
  return [...own, '[[registry.mirror]]', `location = ${quoted(mirror)}`, `insecure = ${all[host]?.insecure === true}`];
}

/** A TOML string is written as a JSON one. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

function lines(...all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
