/** An instance: one container of one role of a site, on one node. It is what has a state. */
import type { Role } from './role.ts';
import type { State } from './state.ts';

/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since the machine's boot (field 22 of /proc/PID/stat). */
  readonly startTime: string;
}

/** The record of an instance: enough to adopt it after the daemon was killed. There is none while the role is cold or checkpointed. */
export interface Instance {
  /** The runtime knows its container by the same id. */
  readonly id: string;
  readonly siteId: string;
  readonly role: Role;
  readonly node: string;
  readonly state: State;
  readonly image: string;
  /** `Code.version` (see code.ts) when it was started. */
  readonly codeVersion?: number;
  /** Unset while booting. */
  readonly process?: ProcessIdentity;
  /** Unix time in milliseconds of the last change of state. */
  readonly since: number;
  /** Unix time in milliseconds of the boot; the lifetime counts from here. */
  readonly bootedAt: number;
}
