import { describe, expect, it } from 'vitest';
import { dumpArgs, restoreArgs, restoreOrders } from './criu-args.ts';
import type { RestoreRequest } from './criu-args.ts';

const PLACE = { program: '/toolbox/criu', work: '/run/criu' };

/** The values of an option that may come several times. */
const valuesOf = (args: readonly string[], option: string): string[] => args.flatMap((arg, at) => (args[at - 1] === option ? [arg] : []));

const DUMP = { pid: 42, images: '/state/x', externalMounts: ['/dev', '/a:b]c'], externalFiles: ['file[1f:2e]'], isAnyProgram: false };
const REQUEST = {
  images: '/state/views/a',
  log: '/run/a/restore.log',
  root: '/run/roots/r',
  pidFile: '/run/a/pid',
  mounts: [
    { destination: '/dev', source: '/state/dev' },
    { destination: '/a:b]c', source: '/state/my #content' },
  ],
  files: [{ id: 'file[1f:2e]', fd: 3 }],
  isAnyProgram: false,
};

/** What it is told, as if it were a command line. */
const ordersOf = (request: RestoreRequest): string[] =>
  restoreOrders(PLACE, request)
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [, option = '', value] = /^(\S+)(?: "(.*)")?$/u.exec(line) ?? [];
      return value === undefined ? [`--${option}`] : [`--${option}`, value];
    });
const [dump, restore] = [dumpArgs(PLACE, DUMP), ordersOf(REQUEST)];

describe('command lines of CRIU', () => {
  it('touch no network, no firewall and no cgroups', () => {
    for (const args of [dump, restore]) {
      expect(valuesOf(args, '--empty-ns')).toEqual(['net']);
      expect(valuesOf(args, '--network-lock')).toEqual(['skip']);
      expect(args).toContain('--manage-cgroups=ignore');
    }
  });

  it('ask for none of the options that would let a dump reach out of its container', () => {
    for (const args of [dump, restore]) {
      for (const option of ['--shell-job', '--ext-unix-sk', '--tcp-established', '--file-locks', '--link-remap', '--evasive-devices', '--action-script', '-j'])
        expect(args).not.toContain(option);
    }
  });

  it('close the connections of programs that we do not know, and lock again what they had locked, on the way out and in', () => {
    for (const args of [dumpArgs(PLACE, { ...DUMP, isAnyProgram: true }), ordersOf({ ...REQUEST, isAnyProgram: true })])
      expect(args).toEqual(expect.arrayContaining(['--tcp-close', '--file-locks']));
  });

  it('name a program to be run only where there is one', () => {
    expect(valuesOf(ordersOf({ ...REQUEST, script: '/src/loopback.sh' }), '--action-script')).toEqual(['/src/loopback.sh']);
  });

  it('name each mount alike on the way in and out, without the signs that CRIU gives a meaning to', () => {
    const dumped = valuesOf(dump, '--external').filter((text) => text.startsWith('mnt['));
    const keys = dumped.map((text) => /^mnt\[.*\]:([\w-]+)$/u.exec(text)?.[1] ?? '');
    expect(dumped.map((text) => text.slice(0, text.lastIndexOf(':')))).toEqual(['mnt[/dev]', 'mnt[/a:b]c]']);
    expect(new Set(keys).size).toBe(2);
    expect(valuesOf(restore, '--external')).toEqual([`mnt[${keys[0]}]:/state/dev`, `mnt[${keys[1]}]:/state/my #content`]);
  });

  it('give the files that the dump left out', () => {
    expect(valuesOf(dump, '--external')).toContain('file[1f:2e]');
    expect(valuesOf(restore, '--inherit-fd')).toEqual(['fd[3]:file[1f:2e]']);
  });

  it('say where everything is', () => {
    expect(dump.slice(0, 4)).toEqual(['/toolbox/criu', 'dump', '--tree', '42']);
    expect(valuesOf(dump, '--images-dir')).toEqual(['/state/x']);
    expect(valuesOf(dump, '--log-file')).toEqual(['/state/x/dump.log']);
    expect(restoreArgs(PLACE, '/run/criu/gates/gate-1')).toEqual(['/toolbox/criu', 'restore', '--config', '/run/criu/gates/gate-1']);
    expect(valuesOf(restore, '--root')).toEqual(['/run/roots/r']);
    expect(valuesOf(restore, '--pidfile')).toEqual(['/run/a/pid']);
    expect(valuesOf(restore, '--log-file')).toEqual(['/run/a/restore.log']);
    for (const args of [dump, restore]) expect(valuesOf(args, '--work-dir')).toEqual(['/run/criu']);
    expect(restore).toContain('--restore-detached');
  });

  it('refuse what could be read as more than it is', () => {
    for (const root of ['/a"b', '/a\\', '/a\nroot /']) expect(() => restoreOrders(PLACE, { ...REQUEST, root })).toThrow(TypeError);
  });
});
