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

/** A program that goes on after its output was refused, and says so. */
const GOES_ON = `import { allowUnread, endWhenUnread } from '${new URL('output.ts', import.meta.url).href}';
allowUnread(false);
if (process.argv[1] === 'endless') {
  endWhenUnread();
  setInterval(() => process.stdout.write('x'), 10);
} else {
  process.stdout.write('x');
  setTimeout(() => process.stderr.write('went on. '), 200);
}`;

async function goingOn(where: string, kind = 'lasting'): Promise<{ code: string; stderr: string }> {
  const command = `"$0" --input-type=module --eval "$1" "$2" ${where}; echo "code \${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await execAny(['bash', '-c', command, process.execPath, GOES_ON, kind]);
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

  it('that is refused ends nothing that goes on, such as a platform in the foreground; it fails at its end', async () => {
    expect(await goingOn('> /dev/full')).toEqual({ code: 'code 1', stderr: expect.stringMatching(/^went on\. subako: not all of the output/u) as string });
    expect(await goingOn('| true')).toEqual({ code: 'code 0', stderr: 'went on. ' });
  });

  it('without a reader ends what would have no end', async () => {
    expect(await goingOn('| true', 'endless')).toEqual({ code: 'code 0', stderr: '' });
  });
});
