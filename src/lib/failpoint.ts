/**
 * Places by name where a test can have this process die or wait. Off, and without cost, unless a test switches one on.
 * A step that changes the world has one after it, so that a test can kill the daemon at each and see that nothing is lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';

let armed: ReadonlyMap<string, string> = new Map();

/**
 * Arms failpoints written as `name=kill`, `name=throw` or `name=MILLISECONDS`, separated by commas. Each strikes at every pass.
 * @throws RangeError for anything else
 */
export function armFailpoints(text: string): void {
  const pairs = text
    .split(',')
    .filter(Boolean)
    .map((pair) => pair.split('='));
  for (const [name = '', action = ''] of pairs) if (!/^(?:kill|throw|\d{1,6})$/u.test(action)) throw new RangeError(`failpoint ${name}: “${action}”`);
  armed = new Map(pairs.map(([name = '', action = '']) => [name, action]));
}

export async function failpoint(name: string): Promise<void> {
  if (armed.size === 0) return;
  const action = armed.get(name);
  if (action === undefined) return;
  if (action === 'kill') process.kill(process.pid, 'SIGKILL');
  if (action === 'throw') throw new Error(`failpoint ${name}`);
  await sleep(Number(action));
}
