/** Containers that people start from images: made, started, ended, removed. Each is changed by one at a time. */
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isUp } from '../domain/container.ts';
import type { Container } from '../domain/container.ts';
import { asSubakoError, SubakoError } from '../domain/errors.ts';
import type { ProcessIdentity } from '../domain/instance.ts';
import { membershipsOf } from '../domain/network.ts';
import { poll } from '../lib/deadline.ts';
import { failpoint } from '../lib/failpoint.ts';
import { removeTree } from '../lib/files.ts';
import { KeyedLock } from '../lib/keyed-lock.ts';
import { signalProcess } from '../lib/proc.ts';
import { clear } from './clear.ts';
import { endProcess } from './end-process.ts';
import type { ContainerRequest } from '../domain/container-request.ts';
import { containerPaths } from './deps.ts';
import type { ContainersDeps } from './deps.ts';
import { ContainerLooks } from './container-looks.ts';
import { notUp, runs } from './is-up.ts';
import { networkNamed } from './named-networks.ts';
import { checkName, freeName, newContainerId } from './names.ts';
import { claimPorts, refuseTwicePublished } from './ports.ts';
import { restartAfter, WELL_AFTER_MS } from './restart-policy.ts';
import { tell } from './tell.ts';
import { startDetached, startHere, whyNotStarted } from './start-container.ts';
import type { Session } from './session.ts';
import { signalOf, toSpec } from './to-spec.ts';
import { dropAnonymousVolumes, makeVolumes, refuseDirectories } from './volumes.ts';

export interface StopOptions {
  /** Default: what was asked for when it was made. */
  readonly timeoutMs?: number;
  /** False: it may be started again by its policy when the platform comes up. Default: true. */
  readonly byHand?: boolean;
}

const KILLED = 137;

export class Containers {
  readonly #deps: ContainersDeps;
  readonly #locks = new KeyedLock();
  readonly #changed = new EventEmitter().setMaxListeners(0);
  readonly looks: ContainerLooks;
  /** Containers in the foreground: aborted when they have ended. */
  readonly #sessions = new Map<string, AbortController>();
  readonly #restarts = new Map<string, AbortController>();
  #closed = false;

  constructor(deps: ContainersDeps) {
    this.#deps = deps;
    this.looks = new ContainerLooks(deps, this.#changed);
  }

  list(): Promise<Container[]> {
    return this.#deps.cmdb.containers();
  }

  /** By its name, its id or the beginning of that. @throws SubakoError `not_found`, `conflict` when it could be several */
  get(ref: string): Promise<Container> {
    return this.looks.get(ref);
  }

  /** Makes the record and its volumes, and nothing else yet. What is refused makes neither. @throws SubakoError `not_found` for the image, `bad_usage`, `already_exists` */
  async create(request: ContainerRequest): Promise<Container> {
    const { cmdb, images, now } = this.#deps;
    const name = request.name === undefined ? freeName(new Set((await this.list()).map((one) => one.name))) : checkName(request.name, 'container');
    const image = await images.resolve(request.image);
    const id = newContainerId();
    const spec = toSpec(request, image.config, id);
    refuseTwicePublished(spec.ports);
    for (const { name: network } of membershipsOf(spec.network)) await networkNamed(network, cmdb);
    await refuseDirectories(spec.volumes, this.#deps);
    const container = await cmdb.insertContainer({
      id,
      name,
      image: { id: image.id, ref: request.image },
      spec,
      state: 'created',
      wasOutOfMemory: false,
      endedByHand: false,
      restarts: 0,
      createdAt: now(),
      ...(request.client === undefined ? {} : { client: request.client }),
    });
    await failpoint('container.recorded');
    await makeVolumes(spec.volumes, this.#deps).catch(async (error: unknown) => {
      await this.#remove(container, { volumes: true });
      throw error;
    });
    tell(this.#deps.emit, 'container.created', container);
    return container;
  }

  /** Detached. @throws SubakoError `conflict` when it is up; whatever kept it from starting */
  start(ref: string, progress: (text: string) => void = () => undefined): Promise<Container> {
    return this.exclusively(ref, (container) => this.#start({ ...container, restarts: 0 }, progress));
  }

  /** `create` and `start`; what cannot be started is not left behind. */
  async run(request: ContainerRequest, progress: (text: string) => void): Promise<Container> {
    const { id } = await this.create(request);
    try {
      return await this.start(id, progress);
    } catch (error) {
      await this.remove(id, { force: true, volumes: true });
      throw error;
    }
  }

  /** For a caller with streams of his own, who runs what the session says and tells by `ended`. */
  async runHere(request: ContainerRequest & { readonly client: ProcessIdentity }): Promise<Session> {
    const { id } = await this.create(request);
    try {
      return await this.exclusively(id, (container) => this.#open(container));
    } catch (error) {
      await this.remove(id, { force: true, volumes: true });
      throw error;
    }
  }

  /** One in the foreground has ended. Idempotent. */
  ended(id: string, exitCode: number): Promise<void> {
    return this.#ifUp(id, async (container) => void (await this.#end(container, exitCode)));
  }

  /** Its monitor may have written down how it ended. */
  async noteExit(id: string): Promise<void> {
    await this.#ifUp(id, async (container) => {
      const exitCode = await this.#deps.monitors.exitCode(id);
      if (exitCode !== undefined) await this.#end(container, exitCode);
    });
  }

  /** It is dead, or was started by somebody who is, and nobody told. */
  async noteDeath(id: string): Promise<void> {
    await this.#ifUp(id, async (container) => {
      if (!runs(container)) await this.#end(container, await this.#deps.monitors.exitCode(id));
    });
  }

  /** Asks it to end, then kills it. It is not started again. Nothing happens to one that is not up. */
  stop(ref: string, { timeoutMs, byHand = true }: StopOptions = {}): Promise<Container> {
    return this.exclusively(ref, async (container) => {
      this.#restarts.get(container.id)?.abort();
      if (!isUp(container)) return this.#put({ ...container, endedByHand: byHand, state: container.state === 'restarting' ? 'exited' : container.state });
      const asked = await this.#put({ ...container, endedByHand: byHand });
      if (asked.process !== undefined) await endProcess(asked, asked.process, { timeoutMs, runtime: this.#deps.runtime });
      return this.#end(asked, await this.#codeOf(container.id));
    });
  }

  /** Sends a signal to its first process. @throws SubakoError `conflict` when it is not up, `bad_usage` for what is no signal */
  async kill(ref: string, signal: string): Promise<Container> {
    const name = signalOf(signal);
    return this.exclusively(ref, async (container) => {
      if (container.process === undefined || !isUp(container)) throw notUp(container);
      const asked = name === 'SIGKILL' ? await this.#put({ ...container, endedByHand: true }) : container;
      if (name === 'SIGKILL') await this.#deps.runtime.thaw(container.id).catch(() => undefined); // a frozen process does not even die
      signalProcess(container.process, name);
      return asked;
    });
  }

  async restart(ref: string, options: StopOptions, progress: (text: string) => void): Promise<Container> {
    const { id } = await this.stop(ref, options);
    return this.start(id, progress);
  }

  /** @throws SubakoError `already_exists`, `bad_usage` */
  rename(ref: string, name: string): Promise<Container> {
    return this.exclusively(ref, (container) => this.#put({ ...container, name: checkName(name, 'container') }));
  }

  pause(ref: string): Promise<Container> {
    return this.exclusively(ref, async (container) => {
      if (container.state === 'paused') throw new SubakoError('conflict', `${container.name} is paused already`);
      if (container.state !== 'running') throw notUp(container);
      await this.#deps.runtime.freeze(container.id);
      return this.#put({ ...container, state: 'paused' });
    });
  }

  unpause(ref: string): Promise<Container> {
    return this.exclusively(ref, async (container) => {
      if (container.state !== 'paused') throw new SubakoError('conflict', `${container.name} is not paused`);
      await this.#deps.runtime.thaw(container.id);
      return this.#put({ ...container, state: 'running' });
    });
  }

  /** @throws SubakoError `conflict` when it is up, unless by force */
  remove(ref: string, { force, volumes }: { force: boolean; volumes: boolean }): Promise<Container> {
    return this.exclusively(ref, async (container) => {
      if (isUp(container) && !force) {
        throw new SubakoError('conflict', `${container.name} is ${container.state}`, { hint: `end it first: subako stop ${container.name}, or give --force` });
      }
      this.#restarts.get(container.id)?.abort();
      return this.#remove(container, { volumes });
    });
  }

  /** Nothing starts again by itself from now on. */
  close(): void {
    this.#closed = true;
    for (const restart of this.#restarts.values()) restart.abort();
  }

  /** At start: an end that nobody saw. Not for one that runs. */
  async recovered(container: Container, exitCode: number | undefined): Promise<void> {
    await this.exclusively(container.id, async (found) => {
      if (found.state === 'removing' || found.spec.remove) return this.#remove(found, { volumes: true });
      if (isUp(found)) return this.#settle(found, exitCode);
      return found;
    });
  }

  #ifUp(id: string, work: (container: Container) => Promise<void>): Promise<void> {
    return this.#locks.run(id, async () => {
      const container = await this.#deps.cmdb.container(id);
      if (container !== undefined && isUp(container)) await work(container);
    });
  }

  /** Nobody else changes it meanwhile. @throws SubakoError `not_found` */
  async exclusively<T>(ref: string, work: (container: Container) => Promise<T>): Promise<T> {
    const { id } = await this.get(ref);
    return this.#locks.run(id, async () => {
      const container = await this.#deps.cmdb.container(id);
      if (container === undefined) throw new SubakoError('not_found', `there is no container ${ref}`);
      return work(container);
    });
  }

  /** Detached, also one that ran in the foreground before: it has that client no more, and does not end with it. */
  async #start({ client: _client, ...container }: Container, progress: (text: string) => void): Promise<Container> {
    if (isUp(container)) throw new SubakoError('conflict', `${container.name} is ${container.state} already`);
    const starting = await this.#starting(container);
    try {
      const process = await startDetached(starting, this.#deps, progress);
      await failpoint('container.started');
      const running = await this.#put({ ...starting, state: 'running', process, startedAt: this.#deps.now() });
      tell(this.#deps.emit, 'container.started', running);
      return running;
    } catch (error) {
      await this.#put({ ...starting, ...whyNotStarted(error), state: 'exited', endedAt: this.#deps.now() });
      throw error;
    }
  }

  /** With its ports, which nobody else has from now on; one claims after the other. */
  #starting(container: Container): Promise<Container> {
    return this.#locks.run('ports', async () => {
      const others = (await this.list()).filter((other) => isUp(other) && other.id !== container.id);
      const ports = await claimPorts(container.spec.ports, others);
      const { process: _process, exitCode: _exitCode, problem: _problem, ...rest } = container;
      return this.#put({ ...rest, spec: { ...container.spec, ports }, state: 'starting', endedByHand: false, wasOutOfMemory: false });
    });
  }

  async #open(container: Container): Promise<Session> {
    const starting = await this.#starting(container);
    const ending = new AbortController();
    const { began, ...here } = await startHere(starting, this.#deps, ending.signal);
    this.#sessions.set(container.id, ending);
    void began.then(
      (process) => this.#began(container.id, process),
      (error: unknown) => (ending.signal.aborted ? undefined : this.#failed(container.id, error)),
    );
    const log = { path: this.looks.logPath(container), maxBytes: this.#deps.logBytes };
    return { container: starting, ...here, log, left: () => this.ended(container.id, KILLED) };
  }

  async #began(id: string, process: ProcessIdentity): Promise<void> {
    await this.#locks.run(id, async () => {
      const container = await this.#deps.cmdb.container(id);
      if (container?.state !== 'starting') return;
      tell(this.#deps.emit, 'container.started', await this.#put({ ...container, state: 'running', process, startedAt: this.#deps.now() }));
    });
  }

  /** Its network could not be had, say: whoever runs it sees it end. */
  async #failed(id: string, error: unknown): Promise<void> {
    const container = await this.#deps.cmdb.container(id);
    if (container === undefined) return;
    await this.#put({ ...container, problem: asSubakoError(error).message });
    await this.#deps.runtime.remove(id);
  }

  /** It has ended: what it had goes, and its policy says what comes. */
  async #end(container: Container, exitCode: number | undefined): Promise<Container> {
    const usage = await this.#deps.runtime.usage(container.id);
    this.#sessions.get(container.id)?.abort();
    this.#sessions.delete(container.id);
    if (container.spec.remove) return this.#remove({ ...container, ...(exitCode === undefined ? {} : { exitCode }) }, { volumes: true });
    return this.#settle({ ...container, wasOutOfMemory: (usage?.oomKills ?? 0) > 0 }, exitCode);
  }

  async #settle(container: Container, exitCode: number | undefined): Promise<Container> {
    await clear(container.id, this.#deps);
    const { process: _process, ...rest } = container;
    const at = this.#deps.now();
    const wasWell = at - (container.startedAt ?? at) >= WELL_AFTER_MS;
    const exited: Container = {
      ...rest,
      state: 'exited',
      endedAt: at,
      restarts: wasWell ? 0 : container.restarts,
      ...(exitCode === undefined ? {} : { exitCode }),
    };
    const restartMs = this.#closed ? undefined : restartAfter(exited);
    const settled = await this.#put(restartMs === undefined ? exited : { ...exited, state: 'restarting' });
    tell(this.#deps.emit, 'container.ended', settled);
    if (restartMs !== undefined) void this.#startAgain(settled, restartMs);
    return settled;
  }

  async #startAgain({ id }: Container, afterMs: number): Promise<void> {
    const stopping = new AbortController();
    this.#restarts.get(id)?.abort();
    this.#restarts.set(id, stopping);
    const isDue = await sleep(afterMs, true, { signal: stopping.signal }).catch(() => false);
    if (this.#restarts.get(id) === stopping) this.#restarts.delete(id);
    if (!isDue || this.#closed) return;
    await this.exclusively(id, async (container) => {
      if (container.state !== 'restarting') return;
      const again = { ...container, restarts: container.restarts + 1 };
      await this.#start(again, () => undefined).catch(async () => this.#settle({ ...again, ...(await this.get(id)), restarts: again.restarts }, undefined));
    }).catch(() => undefined); // it was removed
  }

  async #remove(container: Container, { volumes }: { volumes: boolean }): Promise<Container> {
    const { cmdb, dirs } = this.#deps;
    const removing = await this.#put({ ...container, state: 'removing' });
    await failpoint('container.removing');
    await clear(container.id, this.#deps);
    if (volumes) await dropAnonymousVolumes(container, this.#deps);
    await removeTree(containerPaths(dirs, container.id).dir);
    await failpoint('container.cleared');
    await cmdb.deleteContainer(container.id);
    this.#sessions.get(container.id)?.abort();
    this.#sessions.delete(container.id);
    this.#changed.emit(container.id);
    tell(this.#deps.emit, 'container.removed', removing);
    return removing;
  }

  /** The monitor writes it down a moment after the end. */
  async #codeOf(id: string): Promise<number | undefined> {
    if (this.#sessions.has(id)) return KILLED;
    return poll(() => this.#deps.monitors.exitCode(id), { timeoutMs: 2_000, everyMs: 5 });
  }

  async #put(container: Container): Promise<Container> {
    await this.#deps.cmdb.putContainer(container);
    this.#changed.emit(container.id);
    return container;
  }
}
