/** Programs of this machine in somebody's network namespace: with everything that root may do there, which is more than a container ever may. */
import { once } from 'node:events';
import { execAny, start } from '../../src/lib/exec.ts';

/** Nobody listens there but who is started for it. */
export const PORT = 9000;

/** Answers with its name, at every address, until the stack is done. */
export async function listen(inside: readonly string[], name: string, stack: AsyncDisposableStack): Promise<void> {
  const script = `require('node:http').createServer((_, r) => r.end('${name}')).listen(${PORT}, '::', () => console.log('ready'))`;
  const child = start([...inside, process.execPath, '-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  stack.defer(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  if (child.stdout !== null) await once(child.stdout, 'data');
}

/** What is said there; empty where nothing comes. */
export async function ask(inside: readonly string[], url: string): Promise<string> {
  // Not `fetch`: it asks no ports of mail servers and resolvers.
  const script = `require('node:http').get('${url}', { timeout: 1500 }, (r) => r.pipe(process.stdout)).on('timeout', () => process.exit(0)).on('error', () => process.exit(0))`;
  return (await execAny([...inside, process.execPath, '-e', script])).stdout.trim();
}
