/**
 * A cgroup for a program of this machine that reads what strangers wrote: so much memory and so many processes, and one end for all that it started,
 * also for what left its session or outlived us.
 */
import { execAny } from '../../lib/exec.ts';
import type { ExecOptions, ExecResult } from '../../lib/exec.ts';
import type { Limits } from '../bundle/bundle-spec.ts';
import { joinCgroup, makeCgroup } from './controllers.ts';
import type { CgroupLayout } from './layout.ts';
import { removeCgroup } from './remove.ts';
import { cgroupUsage } from './usage.ts';

/** It waits for its whole input before it starts anything: by then it is in the cgroup. It ends with us. */
const AT_THE_DOOR = ['setpriv', '--pdeathsig', 'KILL', '--', 'xargs', '--null', '--no-run-if-empty', '--'];

export class Cage implements AsyncDisposable {
  readonly #layout: CgroupLayout;
  readonly #path: string;

  /** @param path of a cgroup that is not there yet */
  constructor(layout: CgroupLayout, path: string, limits: Limits) {
    this.#layout = layout;
    this.#path = path;
    makeCgroup(layout, path, limits);
  }

  /** Any exit code is an answer; one that is not 0 need not be the program's own. */
  run([program = '', ...args]: readonly string[], options: Omit<ExecOptions, 'input' | 'inputFd' | 'place'>): Promise<ExecResult> {
    return execAny([...AT_THE_DOOR, program], {
      ...options,
      input: args.map((arg) => `${arg}\0`).join(''),
      place: (pid) => joinCgroup(this.#layout, this.#path, pid),
    });
  }

  /** Whether something in it was ended because all together wanted more memory than they may have. */
  async ranOutOfMemory(): Promise<boolean> {
    return ((await cgroupUsage(this.#layout, this.#path))?.oomKills ?? 0) > 0;
  }

  /** Nothing that was started in it runs any more. Idempotent. */
  [Symbol.asyncDispose](): Promise<void> {
    return removeCgroup(this.#layout, this.#path);
  }
}
