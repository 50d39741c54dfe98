/** A program of ours that works on directories of a container, in a container of its own with the other's ids: it can do what that one could, and no more. */
import type { Readable, Writable } from 'node:stream';
import type { Container } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import { rangeBase } from '../domain/uid-range.ts';
import type { BindMount } from '../runtime/bundle/bundle-spec.ts';
import type { ContainersDeps } from './deps.ts';
import { newContainerId } from './names.ts';

const WITHIN_MS = 3_600_000;
const LIMITS = { memoryBytes: 256 * 1024 ** 2, cpus: 1, pids: 16 };

export interface Work {
  readonly argv: readonly string[];
  readonly mounts: readonly BindMount[];
  readonly input?: Readable;
  readonly output?: Writable;
}

/** @throws SubakoError `command_failed` with its words */
export async function runBeside(
  { uidRange }: Pick<Container, 'uidRange'>,
  { argv, mounts, input, output }: Work,
  { runtime, cgroupPathOf, toolsRoot }: Pick<ContainersDeps, 'runtime' | 'cgroupPathOf' | 'toolsRoot'>,
): Promise<void> {
  const id = `beside-${newContainerId()}`;
  await runtime.prepare(id, {
    rootfs: toolsRoot,
    hostname: 'beside',
    args: argv,
    env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
    cwd: '/',
    uid: 0,
    gid: 0,
    hostIdBase: rangeBase(uidRange),
    mounts,
    cgroupPath: cgroupPathOf(id),
    limits: LIMITS,
    network: 'none',
    ofImage: true,
  });
  const options = { timeoutMs: WITHIN_MS, ...(input === undefined ? {} : { input }), ...(output === undefined ? {} : { output }) };
  const { code, stderr } = await runtime.runToEnd(id, options);
  if (code !== 0) throw new SubakoError('command_failed', `it could not be copied: ${stderr.trim().split('\n')[0] ?? ''}`);
}
