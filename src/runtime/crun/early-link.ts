/** The network link of a container that is being restored. It is made as soon as a process is in the container's network namespace, while CRIU does the rest. */
import { readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_EVERY_MS = 1;

export interface EarlyLinkOptions {
  /** Pids in the container's cgroup. */
  readonly processes: () => Promise<number[]>;
  /** Puts the link into the namespace of this process. */
  readonly join: (pid: number) => Promise<void>;
}

export class EarlyLink implements AsyncDisposable {
  readonly #options: EarlyLinkOptions;
  readonly #ended = new AbortController();
  #joining: Promise<boolean> = Promise.resolve(false);

  constructor(options: EarlyLinkOptions) {
    this.#options = options;
  }

  /** @param criu pid of CRIU, which is in the cgroup too and not in the namespace */
  begin(criu: number): void {
    this.#joining = this.#joinEarly(criu);
  }

  /** Returns when the link is there. @param pid the container's first process, now that CRIU is done */
  async complete(pid: number): Promise<void> {
    this.#ended.abort();
    if (!(await this.#joining)) await this.#options.join(pid);
  }

  /** The restore is over, well or not: nothing of this is under way any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#joining;
  }

  /** False when CRIU was done before there was such a process. */
  async #joinEarly(criu: number): Promise<boolean> {
    const pid = await this.#processElsewhere(criu);
    if (pid !== undefined) await this.#options.join(pid);
    return pid !== undefined;
  }

  /** A process of the cgroup whose network namespace is not CRIU's; undefined when CRIU was done before there was one. */
  async #processElsewhere(criu: number): Promise<number | undefined> {
    const machines = networkOf(criu);
    while (!this.#ended.signal.aborted) {
      for (const pid of await this.#options.processes()) {
        const network = networkOf(pid);
        if (network !== undefined && network !== machines) return pid;
      }
      await sleep(LOOK_EVERY_MS);
    }
    return undefined;
  }
}

function networkOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined; // it ended
  }
}
