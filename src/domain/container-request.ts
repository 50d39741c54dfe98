/** What a person asks for when a container is made: docker’s options, in docker’s spelling where they have one of their own. Sizes and times are as people write them. */
import type { ProcessIdentity } from './instance.ts';
import type { NetworkMembership } from './network.ts';

export interface ContainerRequest {
  readonly image: string;
  readonly name?: string;
  readonly command?: readonly string[];
  /** Empty: none. */
  readonly entrypoint?: readonly string[];
  /** `NAME=value`. */
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  readonly hostname?: string;
  readonly tty?: boolean;
  readonly interactive?: boolean;
  /** Such as `512m`. */
  readonly memory?: string;
  readonly cpus?: number;
  readonly pids?: number;
  readonly shmSize?: string;
  readonly readOnly?: boolean;
  /** `PATH[:size=64m]`. */
  readonly tmpfs?: readonly string[];
  /** `NAME:PATH[:ro]`, `/DIRECTORY:PATH[:ro]`, `PATH`. */
  readonly volumes?: readonly string[];
  /** `[[IP:]HOST:]CONTAINER[/udp]`. */
  readonly publish?: readonly string[];
  /** Ports that are named besides those that the image names: `CONTAINER[/udp]`. */
  readonly expose?: readonly string[];
  /** All that are named are published, each at a free port of the machine. */
  readonly publishAll?: boolean;
  /** `default`, `none`, or the name of one; where there are several, `networks`. */
  readonly network?: string;
  /** With `default` among them, a way out that the others may not give. */
  readonly networks?: readonly NetworkMembership[];
  /** Addresses of resolvers in the place of the platform's, private ones too. */
  readonly dns?: readonly string[];
  /** Domains; `.`: none. */
  readonly dnsSearch?: readonly string[];
  /** Such as `ndots:2`. */
  readonly dnsOptions?: readonly string[];
  /** `NAME:ADDRESS`; `host-gateway` is an address too. */
  readonly extraHosts?: readonly string[];
  /** `no`, `on-failure[:N]`, `always`, `unless-stopped`. */
  readonly restart?: string;
  readonly remove?: boolean;
  readonly stopSignal?: string;
  /** Seconds. */
  readonly stopTimeout?: number;
  /** A command line for the image's shell; `none`: not even the image's own check. */
  readonly healthCmd?: string;
  /** A command without a shell, instead of that line. */
  readonly healthArgv?: readonly string[];
  readonly healthInterval?: string;
  readonly healthTimeout?: string;
  readonly healthStartPeriod?: string;
  /** While it starts, in the place of the interval. */
  readonly healthStartInterval?: string;
  readonly healthRetries?: number;
  /** Of those that it has in any case; `ALL` to drop. */
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  /** `NAME=SOFT[:HARD]`. */
  readonly ulimits?: readonly string[];
  /** `NAME=VALUE`. */
  readonly sysctls?: readonly string[];
  /** `no-new-privileges`, say. */
  readonly securityOptions?: readonly string[];
  /** Further groups of its user: names in the image's /etc/group, or numbers. */
  readonly groups?: readonly string[];
  /** `NAME=value`. */
  readonly labels?: readonly string[];
  /** Files of the platform's own, read-only: where they lie on this machine, and where in the container. Not for strangers to ask for. */
  readonly files?: readonly { readonly source: string; readonly destination: string }[];
  /** In the foreground: who runs it, and with whom it ends. */
  readonly client?: ProcessIdentity;
}
