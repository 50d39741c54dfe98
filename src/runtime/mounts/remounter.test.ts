import { afterEach, describe, expect, it } from 'vitest';
import { Remounter } from './remounter.ts';

/** In the place of perl: answers by the directory it is asked for. Its number is its pid, so that a new one can be told. */
const PROGRAM = `
  const { createInterface } = require('node:readline');
  let kept = '';
  createInterface({ input: process.stdin }).on('line', (line) => {
    const [number, what, ...fields] = line.split(' ');
    const dir = decodeURIComponent(fields[0]);
    if (dir === 'pid') console.log(number + ' error ' + process.pid);
    if (dir === 'bad') console.log(number + ' error ' + encodeURIComponent('no “such” thing\\n'));
    if (dir === 'good') console.log(number + ' ok');
    if (dir === 'end') process.exit(3);
    if (dir === 'first') kept = number;
    if (dir === 'second') console.log(number + ' error second\\n' + kept + ' error first');
    if (what === 'mount') console.log(number + ' error ' + encodeURIComponent(JSON.stringify(fields.map(decodeURIComponent))));
  });
`;

describe('the program that changes mounts', () => {
  let remounter: Remounter;
  const open = (deadlineMs: number): Remounter => {
    remounter = new Remounter({ perl: [process.execPath, '-e', PROGRAM], deadlineMs });
    return remounter;
  };
  afterEach(() => remounter[Symbol.asyncDispose]());

  it('is asked many things at once, and each answer finds its question', async () => {
    open(60_000);
    const whyNot = (dir: string): Promise<string | undefined> => remounter.whyNot(dir);
    expect(await Promise.all([whyNot('first'), whyNot('second'), whyNot('good')])).toEqual(['first', 'second', undefined]);
    expect(await whyNot('bad')).toBe('no “such” thing\n');
  });

  it('is told all of a mount, whatever is in a path', async () => {
    const mount = { source: '/a b%20\nc', destination: '/d', writable: false, executable: false, mapped: true };
    const plain = { source: '/e', destination: '/f', writable: true, executable: true, mapped: false };
    const job = { process: { pid: 12, startTime: '34' }, mounts: [mount, plain], ids: { from: 5, to: 6, size: 7 } };
    const said = await open(60_000)
      .remount(job)
      .catch((error: Error) => JSON.parse(error.message) as string[]);
    expect(said).toEqual(['12', '34', '5', '6', '7', '/a b%20\nc', '/d', '15', '1', '/e', '/f', '6', '0']);
  });

  it('has a time for each answer, also the next one', async () => {
    open(20);
    expect(await remounter.whyNot('silence')).toBe('no answer within 20 ms');
    expect(await remounter.whyNot('silence')).toBe('no answer within 20 ms');
  });

  it('may end by itself: those who asked are told, and the next question goes to a new one', async () => {
    open(60_000);
    expect(await remounter.whyNot('end')).toContain('ended (3)');
    expect(await remounter.whyNot('good')).toBeUndefined();
  });

  it('may be missing', async () => {
    remounter = new Remounter({ perl: ['/no/such/perl'] });
    expect(await remounter.whyNot('good')).toContain('ENOENT');
  });
});
