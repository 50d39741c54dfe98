/** Looks at containers that change nothing, and the ways into one that runs. */
import { once } from 'node:events';
import type { EventEmitter } from 'node:events';
import { isUp } from '../domain/container.ts';
import type { Container } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import { attachArgv, ENDED } from '../runtime/monitor/attach-argv.ts';
import type { ExecAs, HereLine, Usage } from '../runtime/runtime.ts';
import { containerPaths } from './deps.ts';
import type { ContainersDeps } from './deps.ts';
import { findContainer } from './find-container.ts';
import { notUp } from './is-up.ts';
import { userIn } from './prepare.ts';

export interface ExecWish extends Omit<ExecAs, 'user'> {
  /** As in a Dockerfile. */
  readonly user?: string;
}

export class ContainerLooks {
  readonly #deps: ContainersDeps;
  readonly #changed: EventEmitter;

  /** @param changed emits the id of a container whenever its record has changed */
  constructor(deps: ContainersDeps, changed: EventEmitter) {
    this.#deps = deps;
    this.#changed = changed;
  }

  /** By its name, its id or the beginning of that. @throws SubakoError `not_found`, `conflict` when it could be several */
  async get(ref: string): Promise<Container> {
    return findContainer(await this.#deps.cmdb.containers(), ref);
  }

  /** Its exit code, once it is not up. Undefined where nobody knows. */
  async wait(ref: string, signal: AbortSignal): Promise<number | undefined> {
    const { id } = await this.get(ref);
    for (;;) {
      const changed = once(this.#changed, id, { signal });
      changed.catch(() => undefined); // nobody waits any more
      const container = await this.#deps.cmdb.container(id);
      if (container === undefined) return undefined;
      if (container.state !== 'created' && !isUp(container)) return container.exitCode;
      await changed;
    }
  }

  /** The command line that runs a command in it. @throws SubakoError `conflict` when it does not run */
  async execHere(ref: string, argv: readonly string[], { user, ...as }: ExecWish): Promise<HereLine> {
    const container = await this.get(ref);
    if (container.state !== 'running') throw notUp(container);
    const { rootFilesystems, runtime } = this.#deps;
    if (user === undefined) return runtime.execHere(container.id, argv, as);
    const { uid, gid } = await userIn(rootFilesystems.of(container.id), { user, groups: container.spec.groups }, this.#deps);
    return runtime.execHere(container.id, argv, { ...as, user: { uid, gid } });
  }

  /** At the streams of one in the background. @throws SubakoError `conflict` when it does not run, or is somebody else's */
  async attach(ref: string, { input, keys }: { input: boolean; keys: string }): Promise<{ argv: readonly string[]; terminal: boolean; ended: number }> {
    const { id, name, spec, state, client } = await this.get(ref);
    if (state !== 'running') throw notUp({ name, state });
    if (client !== undefined)
      throw new SubakoError('conflict', `${name} runs in the foreground of process ${client.pid}`, {
        hint: `subako exec -it ${name} sh, or subako logs -f ${name}`,
      });
    const { runtime, perl } = this.#deps;
    const { terminal, interactive } = spec;
    return { argv: attachArgv({ perl, dir: runtime.bundleOf(id), terminal, input: input && interactive, keys }), terminal, ended: ENDED };
  }

  async usage(container: Container): Promise<Usage | undefined> {
    return isUp(container) ? this.#deps.runtime.usage(container.id) : undefined;
  }

  async processes(ref: string): Promise<number[]> {
    const container = await this.get(ref);
    if (!isUp(container)) throw notUp(container);
    return this.#deps.runtime.processes(container.id);
  }

  logPath({ id }: Container): string {
    return containerPaths(this.#deps.dirs, id).log;
  }
}
