import { PassThrough, Readable } from 'node:stream';
import { text as collect } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { poll } from './deadline.ts';
import { exec, execAny, ExecError } from './exec.ts';
import { startTimeOf } from './proc.ts';

describe('exec', () => {
  it('hands arguments over as they are: no shell looks at them', async () => {
    const odd = '$(touch /tmp/never); `id` | & > "quotes" \'and\' \n newline';
    expect((await exec(['printf', '%s', odd])).stdout).toBe(odd);
  });

  it('gives a child no environment but what is named', async () => {
    const { stdout } = await exec(['env'], { env: { ONLY: 'this' } });
    expect(stdout.split('\n').filter(Boolean).toSorted()).toEqual(['LANG=C.UTF-8', 'ONLY=this', expect.stringMatching(/^PATH=/u)]);
  });

  it('tells everything about a command that ended badly', async () => {
    const error: unknown = await exec(['sh', '-c', 'echo out; echo why >&2; exit 3']).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ExecError);
    expect((error as ExecError).result).toMatchObject({ code: 3, signal: null, stdout: 'out\n', stderr: 'why\n', timedOut: false });
  });

  it('ends a command that takes too long', async () => {
    expect(await execAny(['sleep', '60'], { timeoutMs: 50 })).toMatchObject({ signal: 'SIGTERM', timedOut: true });
  });

  it('waits for nobody whom a command left behind, and leaves nobody, however it ended', async () => {
    const left = 'sleep 987654 & echo $!';
    for (const [end, outcome] of [
      ['exit 3', { code: 3, signal: null }],
      ['kill -KILL $$', { code: null, signal: 'SIGKILL' }],
    ] as const) {
      const result = await execAny(['sh', '-c', `${left}; ${end}`], { leavesNothing: true });
      expect(result).toMatchObject({ ...outcome, timedOut: false });
      expect(startTimeOf(Number(result.stdout))).toBeUndefined();
    }
    // Else it would be there, and the command only over when it has ended, too.
    const alone = execAny(['sh', '-c', `${left}; exit 3`], { onLine: (line) => void process.kill(Number(line), 'SIGTERM') });
    expect((await alone).code).toBe(3);
  });

  it('gives a child its input when it is in its place, and ends one that has none', async () => {
    const places: number[] = [];
    const { stdout } = await exec(['sh', '-c', 'read -r line; echo "$$ $line"'], { input: 'go\n', place: (pid) => void places.push(pid) });
    expect(stdout).toBe(`${places[0]} go\n`);
    const nowhere = execAny(['cat'], {
      input: 'x',
      place: (pid) => {
        places.push(pid);
        throw new Error('no such place');
      },
    });
    await expect(nowhere).rejects.toThrow('no such place');
    expect(await poll(() => startTimeOf(places[1] ?? 0) === undefined, { timeoutMs: 60_000, everyMs: 1 })).toBe(true);
  });

  it('writes input, and does not mind a child that does not read it', async () => {
    expect((await exec(['cat'], { input: 'hello' })).stdout).toBe('hello');
    expect((await exec(['true'], { input: 'x'.repeat(1_000_000) })).code).toBe(0);
  });

  it('rejects when the program is not there', async () => {
    await expect(execAny(['/no/such/program'])).rejects.toThrow('ENOENT');
  });

  it('hands a stream in, and output on as it comes', async () => {
    const output = new PassThrough();
    const text = collect(output);
    const result = await execAny(['cat'], { input: Readable.from(['a', 'b']), output });
    output.end();
    expect(result).toMatchObject({ code: 0, stdout: '' });
    expect(await text).toBe('ab');
  });

  it('takes half an input for a failure, not for an end', async () => {
    const broken = Readable.from(
      (async function* () {
        yield 'half';
        throw new Error('the file is cut short');
      })(),
    );
    await expect(execAny(['cat'], { input: broken })).rejects.toThrow('cut short');
  });

  it('does not mind a child that stops reading', async () => {
    const long = Readable.from(Array.from({ length: 100 }, () => 'x'.repeat(65_536)));
    expect(await execAny(['head', '-c', '1'], { input: long })).toMatchObject({ code: 0, stdout: 'x' });
  });
});
