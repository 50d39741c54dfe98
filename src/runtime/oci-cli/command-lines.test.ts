import { describe, expect, it } from 'vitest';
import { CRUN } from '../crun/crun.ts';
import { RUNC } from '../runc/runc.ts';
import { RUNSC } from '../runsc/runsc.ts';
import { CommandLines } from './command-lines.ts';

const linesOf = (dialect: typeof CRUN): CommandLines => new CommandLines(dialect, { program: `/bin/${dialect.name}`, root: '/run/state' });
const user = (): { uid: number; gid: number } => ({ uid: 33, gid: 34 });

describe('command lines of the runtimes', () => {
  it('name program and state first, and the container before the command', () => {
    for (const dialect of [CRUN, RUNC, RUNSC]) {
      const line = linesOf(dialect).exec('box', { argv: ['ls', '--all'], tty: false, options: [], user });
      expect(line.slice(0, 5)).toEqual(['prlimit', '--core=0:0', `/bin/${dialect.name}`, '--root', '/run/state']);
      expect(line.slice(-3)).toEqual(['box', 'ls', '--all']);
    }
  });

  it('give a command the first process’s user where the runtime would not', () => {
    expect(linesOf(RUNSC).exec('box', { argv: ['ls'], tty: true, options: [], user })).toContain('33:34');
  });

  it('wait for no init that has not yet reaped what is dead', () => {
    expect(linesOf(RUNSC).delete('box').slice(0, 3)).toEqual(['unshare', '--pid', '--fork']);
    for (const dialect of [CRUN, RUNC]) expect(linesOf(dialect).delete('box')[0]).toBe(`/bin/${dialect.name}`);
  });

  it('start a container with the options that were found for it', () => {
    const line = linesOf(RUNSC).run('box', { bundle: '/b', pidFile: '/b/pid', options: ['--network=none'] });
    expect(line.indexOf('--network=none')).toBeLessThan(line.indexOf('run'));
  });
});
