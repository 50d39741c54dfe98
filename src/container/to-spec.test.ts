import { describe, expect, it } from 'vitest';
import type { OciImageConfig } from '../image/oci/oci-image.ts';
import type { ContainerRequest } from '../domain/container-request.ts';
import { signalOf, toSpec } from './to-spec.ts';

const IMAGE: OciImageConfig = {
  entrypoint: ['/entry'],
  cmd: ['serve'],
  env: ['A=image', 'B=image', 'no equals sign'],
  workingDir: '/srv',
  user: 'app',
  exposedPorts: ['80/tcp'],
  volumes: ['/data'],
  stopSignal: 'SIGQUIT',
  healthcheck: { test: ['CMD', '/check'], intervalMs: 5_000, timeoutMs: undefined, startPeriodMs: undefined, retries: undefined },
  labels: { made: 'by image', 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'db' },
};
const spec = (request: Partial<ContainerRequest> = {}) => toSpec({ image: 'app', ...request }, IMAGE, 'abc123');

describe('what a container is to be', () => {
  it('is what the image says where nothing was asked for', () => {
    expect(spec()).toMatchObject({ args: ['/entry', 'serve'], cwd: '/srv', user: 'app', hostname: 'abc123', stopSignal: 'SIGQUIT', stopTimeoutMs: 10_000 });
    expect(spec()).toMatchObject({ labels: { made: 'by image' }, network: 'default', restart: { when: 'no' }, remove: false, readOnly: false });
    expect(spec().labels).toEqual({ made: 'by image' }); // of no project, whatever the image says
    expect(spec().health).toEqual({ argv: ['/check'], intervalMs: 5_000, timeoutMs: 30_000, startPeriodMs: 0, retries: 3 });
    expect(spec().volumes).toMatchObject([{ from: { anonymous: true }, destination: '/data', writable: true }]);
  });

  it.each([
    [{ command: ['x'] }, ['/entry', 'x']],
    [{ entrypoint: ['/other'] }, ['/other']],
    [{ entrypoint: [], command: ['sh'] }, ['sh']],
  ])('runs what docker would: %j', (request, args) => {
    expect(spec(request).args).toEqual(args);
  });

  it('has one value for a variable, the last one, and a PATH', () => {
    const { env } = spec({ env: ['B=mine', 'C=a=b\nc'] });
    expect(env).toEqual(expect.arrayContaining(['A=image', 'B=mine', 'C=a=b\nc']));
    expect(env.filter((one) => one.startsWith('B='))).toHaveLength(1);
    expect(env[0]).toMatch(/^PATH=\//u);
  });

  it('has the volume that was named in the place of the image’s', () => {
    expect(spec({ volumes: ['mine:/data:ro'] }).volumes).toEqual([{ from: { volume: 'mine', anonymous: false }, destination: '/data', writable: false }]);
  });

  it('has no health check where none is wanted, and a shell’s line where one was given', () => {
    expect(spec({ healthCmd: 'none' }).health).toBeUndefined();
    expect(spec({ healthCmd: 'wget -q localhost' }).health?.argv).toEqual(['/bin/sh', '-c', 'wget -q localhost']);
  });

  it.each([
    { env: ['=x'] },
    { env: ['A B=x'] },
    { env: ['A=\0'] },
    { command: ['a\0b'] },
    { memory: '1k' },
    { memory: 'much' },
    { cpus: 0 },
    { pids: -1 },
    { hostname: 'a b' },
    { hostname: '-a' },
    { workdir: 'relative' },
    { workdir: '/a\nb' },
    { volumes: ['a:/x', 'b:/x'] },
    { volumes: ['a:/sys/fs'] },
    { volumes: ['a:/x:rx'] },
    { volumes: ['/a/../..:/'] },
    { tmpfs: ['/dev/shm'] },
    { publish: ['80:80', '80:81'], network: 'none' },
    { network: 'host' },
    { restart: 'always', remove: true },
    { restart: 'no:3' },
    { stopSignal: 'SIGNOT' },
    { healthCmd: 'x', healthInterval: 'often' },
  ] satisfies Partial<ContainerRequest>[])('is refused: %j', (request) => {
    expect(() => spec(request)).toThrow(expect.objectContaining({ code: 'bad_usage' }));
  });

  it.each(['/etc:/mnt', '/etc:/mnt:ro', '/proc', '/dev/x', '/a\nb', '/'])('has nothing of the machine that an image names as its volume: %j', (volume) => {
    expect(() => toSpec({ image: 'app' }, { ...IMAGE, volumes: [volume] }, 'abc')).toThrow(expect.objectContaining({ code: 'bad_usage' }));
  });

  it('has no more volumes than an image may name', () => {
    const volumes = (count: number): string[] => Array.from({ length: count }, (_, index) => `/v${index}`);
    expect(toSpec({ image: 'app' }, { ...IMAGE, volumes: volumes(100) }, 'abc').volumes).toHaveLength(100);
    expect(() => toSpec({ image: 'app' }, { ...IMAGE, volumes: volumes(101) }, 'abc')).toThrow(expect.objectContaining({ code: 'bad_usage' }));
  });

  it('publishes no more ports than it may, however many the image names', () => {
    const image = (count: number): OciImageConfig => ({ ...IMAGE, exposedPorts: Array.from({ length: count }, (_, index) => `${index + 1}/tcp`) });
    expect(toSpec({ image: 'app', publishAll: true }, image(1_000), 'abc').ports).toHaveLength(1_000);
    expect(() => toSpec({ image: 'app', publishAll: true }, image(1_001), 'abc')).toThrow(expect.objectContaining({ code: 'bad_usage' }));
    expect(toSpec({ image: 'app' }, image(1_001), 'abc').ports).toEqual([]);
  });

  it('is refused where the image names no command either', () => {
    expect(() => toSpec({ image: 'app' }, { ...IMAGE, entrypoint: [], cmd: [] }, 'abc')).toThrow(expect.objectContaining({ code: 'bad_usage' }));
  });

  it('knows signals by name and number', () => {
    expect(['TERM', 'sigterm', '15', 'SIGTERM'].map(signalOf)).toEqual(Array.from({ length: 4 }, () => 'SIGTERM'));
  });
});
