/** In what the command lines of OCI runtimes differ: data and pure functions. */
import type { RuntimeName } from '../../domain/runtime-name.ts';
import type { BundleSpec } from '../bundle/bundle-spec.ts';
import type { OciConfig } from '../bundle/oci-config.ts';

export interface Dialect {
  readonly name: RuntimeName;
  /** Options before the command, the same for all commands and containers. */
  readonly options: readonly string[];
  /** More of them for a container such as this one, while it is started. */
  readonly startOptions?: (spec: BundleSpec) => readonly string[];
  /** Options of `exec`, so that the command gets what the first process has. */
  readonly execOptions: (how: { readonly tty: boolean; readonly user: () => OciUser }) => readonly string[];
  /** The configuration as this runtime understands it. Pure. */
  readonly adapt?: (config: OciConfig) => OciConfig;
  /** It does not give the standard streams to the container's user, who may want to open them again. */
  readonly leavesStreams?: true;
  /** Its sockets are bound by a helper beside the first process, in a network namespace of the helper's. */
  readonly bindsElsewhere?: true;
  /** Its `delete` takes a dead process for a living one until init has reaped it, and an init may take seconds. */
  readonly deleteWaitsForInit?: true;
}

export type OciUser = OciConfig['process']['user'];
