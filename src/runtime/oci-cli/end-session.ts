/** Ends what is left of a command in a container when its time is over. */
import { poll } from '../../lib/deadline.ts';
import { killQuietly, sessionOf } from '../../lib/proc.ts';

const WITHIN = { timeoutMs: 1_000, everyMs: 2 } as const;

/**
 * A runtime has every command begin a session, and what that starts is in it too, whoever its parent is by then. What moved to a session of
 * its own stays, as all that the container started by itself does.
 * @param leader the command's pid, which is the session's id
 * @param processes of the container
 */
export async function endSession(leader: number, processes: () => Promise<number[]>): Promise<void> {
  // Again and again: one may start another between the look and its end.
  await poll(async () => {
    const left = (await processes().catch(() => [])).filter((pid) => sessionOf(pid) === leader);
    for (const pid of left) killQuietly(pid);
    return left.length === 0;
  }, WITHIN);
}
