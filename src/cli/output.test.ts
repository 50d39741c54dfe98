import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { execAny } from '../lib/exec.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/subako.ts', import.meta.url));

/** Exit code and standard error of a command whose output goes where a shell sends it. */
async function completionTo(where: string): Promise<{ code: string; stderr: string }> {
  const command = `"$0" --disable-warning=ExperimentalWarning "$1" completion bash ${where}; echo "code \${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await execAny(['bash', '-c', command, process.execPath, PROGRAM]);
  return { code: stdout.trim(), stderr };
}

describe('output', () => {
  it('that nobody reads any more is no error', async () => {
    expect(await completionTo('| true')).toEqual({ code: 'code 0', stderr: '' });
  });

  it('that finds no room is one', async () => {
    const { code, stderr } = await completionTo('> /dev/full');
    expect([code, stderr]).toEqual(['code 1', expect.stringContaining('not all of the output could be written')]);
  });
});
