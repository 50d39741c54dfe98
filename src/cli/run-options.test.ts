import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { toSpec } from '../container/to-spec.ts';
import { REFUSED_RUN_OPTIONS } from './run-refused.ts';
import { toRequest, withRunOptions } from './run-options.ts';
import type { RunOptions } from './run-options.ts';

const IMAGE = {
  entrypoint: [],
  cmd: ['sh'],
  env: [],
  workingDir: '/',
  user: '',
  exposedPorts: [],
  volumes: [],
  stopSignal: '',
  healthcheck: undefined,
  labels: {},
};

/** What becomes of a container that somebody types these options for. */
function specOf(...words: readonly string[]) {
  const command = withRunOptions(new Command('run').exitOverride().configureOutput({ writeErr: () => undefined }))
    .argument('<image>')
    .argument('[command...]');
  command.parse([...words, 'image'], { from: 'user' });
  return toSpec(
    toRequest(['image', []], command.opts<RunOptions>(), () => undefined),
    IMAGE,
    'abc',
  );
}

describe('an option of docker run that people type', () => {
  it.each<[string[], object]>([
    [['--read-only'], { readOnly: true }],
    [['--pids-limit', '64'], { pids: 64 }],
    [['--pids', '64'], { pids: 64 }],
    [['--tmpfs', '/run:rw,noexec,nosuid,size=1m'], { tmpfs: [{ destination: '/run', sizeBytes: 1024 ** 2 }] }],
    [['--cap-drop', 'ALL'], { capabilities: [] }],
    [['--cap-drop=all', '--cap-add', 'NET_BIND_SERVICE', '--cap-add=cap_chown'], { capabilities: ['CAP_CHOWN', 'CAP_NET_BIND_SERVICE'] }],
    [['--cap-add', 'SETUID'], {}],
    [['--cap-drop', 'NET_RAW'], {}],
    [
      ['--ulimit', 'nofile=1024:2048', '--ulimit', 'nproc=64', '--ulimit', 'core=0'],
      {
        ulimits: [
          { name: 'nofile', soft: 1024, hard: 2048 },
          { name: 'nproc', soft: 64, hard: 64 },
        ],
      },
    ],
    [['--ulimit', 'nofile=1', '--ulimit', 'nofile=2'], { ulimits: [{ name: 'nofile', soft: 2, hard: 2 }] }],
    [
      ['--sysctl', 'net.core.somaxconn=1024', '--sysctl=net.ipv4.tcp_keepalive_time=60'],
      { sysctls: { 'net.core.somaxconn': '1024', 'net.ipv4.tcp_keepalive_time': '60' } },
    ],
    [['--security-opt', 'no-new-privileges', '--security-opt=no-new-privileges:true'], {}],
    [['--group-add', 'www-data', '--group-add', '1000'], { groups: ['www-data', '1000'] }],
    [['-u', '1000:1000', '--workdir', '/srv', '--hostname', 'box'], { user: '1000:1000', cwd: '/srv', hostname: 'box' }],
    [['--entrypoint', '/bin/ls'], { args: ['/bin/ls'] }],
    [['--label', 'a=b', '-l', 'c'], { labels: { a: 'b', c: '' } }],
    [['--stop-signal', 'INT', '--stop-timeout', '3'], { stopSignal: 'SIGINT', stopTimeoutMs: 3000 }],
    [
      [
        '--health-cmd',
        'true',
        '--health-interval',
        '1m',
        '--health-timeout=2s',
        '--health-retries',
        '4',
        '--health-start-period',
        '9s',
        '--health-start-interval',
        '1s',
      ],
      { health: { argv: ['/bin/sh', '-c', 'true'], intervalMs: 60_000, timeoutMs: 2_000, retries: 4, startPeriodMs: 9_000, startIntervalMs: 1_000 } },
    ],
    [['--shm-size', '1g'], { shmBytes: 1024 ** 3 }],
    [
      ['--mount', 'type=bind,source=/srv/data,target=/data,readonly'],
      { volumes: [{ from: { directory: '/srv/data' }, destination: '/data', writable: false }] },
    ],
    [['--mount', 'src=v,dst=/data'], { volumes: [{ from: { volume: 'v', anonymous: false }, destination: '/data', writable: true }] }],
    [['--mount', 'type=volume,dst=/data,ro=false'], { volumes: [{ from: { anonymous: true }, destination: '/data' }] }],
    [['--mount', 'type=tmpfs,destination=/cache,tmpfs-size=2m,tmpfs-mode=1777'], { tmpfs: [{ destination: '/cache', sizeBytes: 2 * 1024 ** 2 }] }],
    [['-v', './here:/data:ro'], { volumes: [{ from: { directory: join(process.cwd(), 'here') }, destination: '/data', writable: false }] }],
    [['--network', 'shop', '--network-alias', 'db'], { network: { networks: [{ name: 'shop', aliases: ['db'] }] } }],
    [['--platform', process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64'], {}],
    [['--ipc', 'private', '--privileged=false', '--cgroupns=private'], {}],
  ])('is heeded: %j', (words, expected) => {
    const usual = { capabilities: 'usual', ulimits: 'usual', sysctls: 'usual', groups: 'usual' };
    const named = Object.fromEntries(Object.entries(usual).filter(([key]) => !Object.hasOwn(expected, key)));
    expect({ ...usual, ...specOf(...words) }).toMatchObject({ ...named, ...expected });
  });

  it.each<[string[], string]>([
    [['--tmpfs', '/x:exec'], '--tmpfs does not take "exec"'],
    [['--tmpfs', '/x:mode=700'], '--tmpfs does not take "mode=700"'],
    [['--cap-add', 'SYS_ADMIN'], 'a container cannot have the capability SYS_ADMIN'],
    [['--cap-add', 'ALL'], 'a container cannot have the capability ALL'],
    [['--cap-drop', 'all the things'], 'is no capability'],
    [['--ulimit', 'nofile=lots'], 'is no limit'],
    [['--ulimit', 'nofile=2:1'], 'softly above'],
    [['--ulimit', 'core=-1'], 'a container leaves no core'],
    [['--ulimit', 'rtprio=1'], 'the limit rtprio cannot be set'],
    [['--sysctl', 'kernel.core_pattern=|/bin/sh'], 'is no setting of the kernel'],
    [['--sysctl', 'kernel.hostname=x'], 'the setting kernel.hostname is not a container’s own'],
    [['--sysctl', 'vm.overcommit_memory=1'], 'is not a container’s own'],
    [['--sysctl', 'net.ipv4.ip_forward=1'], 'is not a container’s own'],
    [['--sysctl', 'net/ipv4/../../kernel/sysrq=1'], 'is no setting of the kernel'],
    [['--sysctl', 'net.ipv4.tcp_x.y=1'], 'is not a container’s own'],
    [['--sysctl', 'net.core.somaxconn=1\n2'], 'is no setting of the kernel'],
    [['--security-opt', 'seccomp=unconfined'], 'cannot be had'],
    [['--security-opt', 'no-new-privileges:false'], 'cannot be had'],
    [['--mount', 'type=npipe,target=/x'], 'there is no type npipe'],
    [['--mount', 'type=bind,target=/x'], 'it does not say what'],
    [['--mount', 'type=volume,source=v'], 'it does not say where'],
    [['--mount', 'type=bind,source=/a,target=/x,bind-propagation=shared'], 'bind-propagation is not understood'],
    [['--mount', 'source=/a:b,target=/x'], 'there is a colon in a path'],
    [['--platform', 'windows/amd64'], 'do not run on this machine'],
    [['--pull', 'sometimes'], 'Allowed choices are missing, always, never'],
    [['--init'], '--init is not supported: no process is put before'],
    [['--privileged'], '--privileged is not supported: a container has user ids'],
    [['--device', '/dev/kvm'], '--device is not supported'],
    [['--ipc', 'host'], '--ipc is not supported'],
    [['-c', '512'], '--cpu-shares is not supported'],
  ])('is refused, with why: %j', (words, message) => {
    expect(() => specOf(...words)).toThrow(message);
  });

  it('of which none is told twice', () => {
    const known = withRunOptions(new Command('run')).options.map(({ long }) => long);
    expect(new Set(known).size).toBe(known.length);
    for (const [flags, { why, instead }] of Object.entries(REFUSED_RUN_OPTIONS)) expect([flags, why, instead].every((text) => text.length > 3)).toBe(true);
  });

  it('reads labels from a file, and those that are typed count', () => {
    const dir = mkdtempSync(join(tmpdir(), 'subako-labels-'));
    writeFileSync(join(dir, 'labels'), '# note\na=1\nb=2\n');
    expect(specOf('--label-file', join(dir, 'labels'), '--label', 'b=3').labels).toEqual({ a: '1', b: '3' });
    rmSync(dir, { recursive: true });
  });
});
