import { describe, expect, it } from 'vitest';
import { INSTANCE_VARIABLE } from '../runtime/bundle/bundle-spec.ts';
import type { BundleSpec } from '../runtime/bundle/bundle-spec.ts';
import { checkpointKey } from './checkpoint-key.ts';

const MOUNT = { source: '/state/sites/a/content', destination: '/srv/content', writable: true };
const SPEC: BundleSpec = {
  rootfs: '/state/images/x/rootfs',
  hostname: 'site',
  args: ['/usr/sbin/php-fpm', '--nodaemonize'],
  env: { PATH: '/usr/bin', [INSTANCE_VARIABLE]: 'a-public-000001' },
  cwd: '/srv',
  uid: 33,
  gid: 33,
  hostIdBase: 1_900_000_000,
  mounts: [MOUNT],
  cgroupPath: '/subako/a',
  limits: { memoryBytes: 1000, cpus: 1, pids: 10 },
  network: 'none',
  sharedDev: '/state/dev',
};
const PARTS = { imageDigest: 'sha256:1', spec: SPEC, environment: 'kernel 6, criu 4', more: ['secret'] };
const KEY = checkpointKey(PARTS);

const withSpec = (changes: Partial<BundleSpec>): string => checkpointKey({ ...PARTS, spec: { ...SPEC, ...changes } });

describe('the key of a checkpoint', () => {
  it.each<[what: string, changes: Partial<BundleSpec>]>([
    ['another place of the root file system', { rootfs: '/elsewhere/images/x/rootfs' }],
    ['another source of a mount', { mounts: [{ ...MOUNT, source: '/state/sites/b/content' }] }],
    ['other host ids', { hostIdBase: 1_950_000_000 }],
    ['other limits', { limits: { memoryBytes: 2000, cpus: 2, pids: 20 } }],
    ['another cgroup', { cgroupPath: '/subako/b' }],
    ['another shared /dev', { sharedDev: '/elsewhere/dev' }],
    ['another name of the instance', { env: { ...SPEC.env, [INSTANCE_VARIABLE]: 'b-public-000002' } }],
  ])('is the same with %s: a restore gives that anew', (_what, changes) => {
    expect(withSpec(changes)).toBe(KEY);
  });

  it('is the same wherever the instance’s name stands, and not where another name does', () => {
    const listening = (at: string, name: string): string =>
      withSpec({ args: ['/srv', `unix:/run/subako/${at}.sock`], env: { ...SPEC.env, [INSTANCE_VARIABLE]: name } });
    expect(listening('a-public-000001', 'a-public-000001')).toBe(listening('a-public-000002', 'a-public-000002'));
    expect(listening('a-public-000001', 'a-public-000001')).not.toBe(listening('a-public-000003', 'a-public-000002'));
  });

  it.each<[what: string, changes: Partial<BundleSpec>]>([
    ['arguments', { args: [...SPEC.args, '--evil'] }],
    ['directory', { cwd: '/tmp' }],
    ['host name', { hostname: 'other' }],
    ['user', { uid: 34 }],
    ['group', { gid: 34 }],
    ['network', { network: 'host' }],
    ['variable', { env: { ...SPEC.env, PATH: '/bin' } }],
    ['set of variables', { env: { ...SPEC.env, MORE: '1' } }],
    ['number of open files', { openFiles: 100 }],
    ['power', { bindLowPorts: true }],
    ['mount that is read-only', { mounts: [{ ...MOUNT, writable: false }] }],
    ['mount that programs run from', { mounts: [{ ...MOUNT, executable: true }] }],
    ['mount point', { mounts: [{ ...MOUNT, destination: '/srv/other' }] }],
    ['number of mounts', { mounts: [MOUNT, { ...MOUNT, destination: '/srv/other' }] }],
  ])('is another with another %s', (_what, changes) => {
    expect(withSpec(changes)).not.toBe(KEY);
  });

  it('is another for another image, another machine and other secrets', () => {
    const others = [
      checkpointKey({ ...PARTS, imageDigest: 'sha256:2' }),
      checkpointKey({ ...PARTS, environment: 'kernel 7, criu 4' }),
      checkpointKey({ ...PARTS, more: ['other secret'] }),
      checkpointKey({ ...PARTS, more: [] }),
    ];
    expect(new Set([KEY, ...others]).size).toBe(5);
  });

  it('does not take the end of one part for the beginning of the next', () => {
    expect(checkpointKey({ ...PARTS, more: ['ab', 'c'] })).not.toBe(checkpointKey({ ...PARTS, more: ['a', 'bc'] }));
  });
});
