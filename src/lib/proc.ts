/** What /proc says about processes. */
import { readFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

/** Clock ticks since the machine's boot at which this process began, or undefined when it is gone or a zombie. */
export function startTimeOf(pid: number): string | undefined {
  return statOf(pid)?.[19];
}

/** The session that it is in, by the pid of who began that, or undefined when it is gone or a zombie. */
export function sessionOf(pid: number): number | undefined {
  const session = statOf(pid)?.[3];
  return session === undefined ? undefined : Number(session);
}

/** From its state on. */
function statOf(pid: number): string[] | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name in parentheses may hold anything, so count from the last one: field 3 is the state, 6 the session, 22 the start time.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields;
}

/** For one that was just found where only what is to end can be. Nothing happens where it ended meanwhile. */
export function killQuietly(pid: number): void {
  try {
    if (pid > 1) process.kill(pid, 'SIGKILL');
  } catch {
    // it ended by itself
  }
}

export function isAlive(process: { readonly pid: number; readonly startTime: string }): boolean {
  return startTimeOf(process.pid) === process.startTime;
}

/**
 * How many connections each Unix socket has, accepted or still in its backlog, by the file name it was bound to, in whatever directory.
 * The kernel lists a connection in the network namespace of the side that connected, and the edge is in ours.
 */
export async function unixConnections(): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const line of (await readFile('/proc/net/unix', 'utf8')).split('\n')) {
    const [, , , flags, , , , path] = line.split(/\s+/u);
    if (path === undefined || flags === LISTENING) continue;
    const name = path.slice(path.lastIndexOf('/') + 1);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/**
 * Whether something in the network namespace of this process listens at a Unix socket of this name, in whatever directory. No connection is made.
 * @throws the system's error when the process is gone
 */
export async function listensAt(pid: number, name: string): Promise<boolean> {
  const lines = (await readFile(`/proc/${pid}/net/unix`, 'utf8')).split('\n').map((line) => line.split(/\s+/u));
  return lines.some(([, , , flags, , , , path]) => flags === LISTENING && path?.endsWith(`/${name}`) === true);
}

/** How many connections processes of this one's network namespace have to Unix sockets whose names begin so. */
export async function connectionsBelow(pid: number, below: string): Promise<number> {
  const lines = (await readFile(`/proc/${pid}/net/unix`, 'utf8')).split('\n').map((line) => line.split(/\s+/u));
  return lines.filter(([, , , flags, , , , path]) => flags !== LISTENING && path?.startsWith(below) === true).length;
}

/** The flag __SO_ACCEPTCON of the listening socket itself. */
const LISTENING = '00010000';

/** Sends a signal to this process and no other. False when it is gone. */
export function signalProcess(target: { readonly pid: number; readonly startTime: string }, signal: NodeJS.Signals): boolean {
  return isAlive(target) && process.kill(target.pid, signal);
}

/**
 * Sends a signal to the first process of a container. False when it is gone, and where it has no handler for the signal: the kernel keeps
 * such a one from the first process of a pid namespace, so there is nothing to wait for.
 */
export function signalFirstProcess(target: { readonly pid: number; readonly startTime: string }, signal: NodeJS.Signals): boolean {
  return hasHandler(target.pid, signal) && signalProcess(target, signal);
}

function hasHandler(pid: number, signal: NodeJS.Signals): boolean {
  try {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
    return ((BigInt(`0x${caught}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
  } catch {
    return false;
  }
}
