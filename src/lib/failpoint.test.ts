import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { execAny } from './exec.ts';
import { armFailpoints, failpoint } from './failpoint.ts';

const SOURCE = fileURLToPath(new URL('failpoint.ts', import.meta.url));
afterEach(() => armFailpoints(''));

describe('a failpoint', () => {
  it('does nothing unless it is armed', async () => {
    await failpoint('here');
    armFailpoints('elsewhere=throw');
    await failpoint('here');
  });

  it('throws at every pass when it is told to, and no other does', async () => {
    armFailpoints('here=throw,there=0');
    await expect(failpoint('here')).rejects.toThrow('failpoint here');
    await expect(failpoint('here')).rejects.toThrow('failpoint here');
    await failpoint('there');
  });

  it('waits as long as it is told', async () => {
    armFailpoints('here=60');
    const began = performance.now();
    await failpoint('here');
    expect(performance.now() - began).toBeGreaterThan(50);
  });

  it('ends its process at once, without a goodbye', async () => {
    const script = `const { armFailpoints, failpoint } = await import(${JSON.stringify(SOURCE)});
      process.on('exit', () => console.log('goodbye'));
      armFailpoints('here=kill');
      console.log('before');
      await failpoint('here');
      console.log('after');`;
    const result = await execAny([process.execPath, '--input-type=module', '-e', script], { timeoutMs: 60_000 });
    expect(result).toMatchObject({ signal: 'SIGKILL', stdout: 'before\n' });
  });

  it.each(['here', 'here=', 'here=die', 'here=1s', 'here=-1', 'a=throw,b=explode'])('cannot be armed by %j', (text) => {
    expect(() => armFailpoints(text)).toThrow(RangeError);
  });
});
