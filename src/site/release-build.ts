/**
 * What an owner has done with a new release before it is one, such as fetching the packages that it needs: in a throw-away container of the site's,
 * which may write to the release's files, has a way out as steps of image builds have, and neither the site's data nor its database.
 */
import { join } from 'node:path';
import { OpenGate } from '../container/gate.ts';
import type { Code } from '../domain/code.ts';
import { newId } from '../domain/ids.ts';
import type { Site } from '../domain/site.ts';
import type { Image } from '../image/image.ts';
import type { ExecResult } from '../lib/exec.ts';
import { printable } from '../lib/printable.ts';
import type { BundleSpec, Gate } from '../runtime/bundle/bundle-spec.ts';
import type { ContainerNetworks } from '../runtime/container-networks.ts';
import type { Remounter } from '../runtime/mounts/remounter.ts';
import { CODE, DATA } from '../stack/code/code-stack.ts';
import type { CodeStack, StackContext } from '../stack/stack.ts';
import type { Working } from './dumps.ts';
import { commandFailed } from './release-command.ts';
import type { ReleaseCommandDeps } from './release-command.ts';

export interface BuildDeps extends ReleaseCommandDeps {
  readonly networks: Pick<ContainerNetworks, 'join'>;
  readonly remounter: Pick<Remounter, 'pipes'>;
}

export interface Build {
  readonly command: string;
  /** Directory of the release's code on the machine. */
  readonly code: string;
  /** In place of the site's. */
  readonly image: Image | undefined;
}

const WITHIN_MS = 30 * 60_000;
/** Package managers want more than most of what they install. */
const LEAST_MEMORY_BYTES = 1024 ** 3;
const PIDS = 1_024;
/** Of one line, and of all that whoever deploys is shown. */
const [LONGEST_LINE, MOST_SHOWN] = [1_000, 1024 ** 2];

/** @param site whose record names everything but the release @throws SubakoError `command_failed` with what it said */
export async function buildRelease(site: Site, stack: CodeStack, { build, deps, working }: { build: Build; deps: BuildDeps; working: Working }): Promise<void> {
  working.progress(`building: ${printable(build.command)}`);
  const id = `${site.id}-build-${newId(6)}`;
  const context = await deps.contexts.of(site, 'public', id);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => stack.tidy(context));
  await stack.prepareBoot(context);
  const gate: Gate = { told: join(context.instance.root, 'told'), waits: join(context.instance.root, 'waits') };
  await deps.remounter.pipes([gate.told, gate.waits]);
  await deps.runtime.prepare(id, { ...buildSpec(stack.bundle({ ...context, image: build.image ?? context.image }), context, build), gate });
  const result = await runWithNetwork(id, gate, { deps, working });
  working.signal.throwIfAborted();
  if (result.code !== 0) throw commandFailed('the build', result, 'the site stays as it was, and nothing of the new release was kept');
}

/** As the site's own container, but for what it may reach. */
function buildSpec(spec: BundleSpec, { site }: StackContext, { command, code }: Build): BundleSpec {
  const { settings } = site;
  const { env, ownEnv }: Pick<Code, 'env' | 'ownEnv'> = site.code ?? { env: {}, ownEnv: {} };
  const isGiven = (name: string): boolean => Object.hasOwn(env, name) || !Object.hasOwn(ownEnv, name);
  return {
    ...spec,
    args: ['/bin/sh', '-c', command],
    // What the platform made is for what runs: its database cannot be reached from here, and its keys have no business with the Internet.
    env: Object.fromEntries(Object.entries(spec.env).filter(([name]) => isGiven(name))),
    mounts: spec.mounts.flatMap((mount) => {
      if (mount.destination === DATA || mount.destination.startsWith('/run/')) return [];
      if (mount.destination === CODE) return [{ ...mount, source: code, writable: true }];
      return [mount.destination === '/tmp' ? { ...mount, executable: true } : mount];
    }),
    limits: { memoryBytes: Math.max(settings.memoryBytes, LEAST_MEMORY_BYTES), cpus: settings.cpus, pids: PIDS },
    network: { smtp: false },
  };
}

/** It begins once it has its network. */
async function runWithNetwork(id: string, gate: Gate, { deps, working }: { deps: BuildDeps; working: Working }): Promise<ExecResult> {
  await using open = await OpenGate.open(gate);
  const ended = new AbortController();
  const letIn = async (): Promise<void> => {
    const { pid } = await open.arrival(ended.signal);
    await deps.networks.join(id, pid);
    await open.letThrough();
  };
  const entered = letIn().catch(() => undefined); // it is over before it began, and that tells why
  try {
    return await deps.runtime.runToEnd(id, { signal: working.signal, timeoutMs: WITHIN_MS, onLine: shown(working.said) });
  } finally {
    ended.abort();
    await entered;
  }
}

/** Lines as they come, until it was enough: who watches is not to be drowned. */
function shown(said: (line: string) => void = () => undefined): (line: string) => void {
  let left = MOST_SHOWN;
  return (line) => {
    if (left <= 0) return;
    left -= line.length;
    said(left > 0 ? printable(line.slice(0, LONGEST_LINE)) : '… it says more than is shown');
  };
}
