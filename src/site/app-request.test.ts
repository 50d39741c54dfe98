import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OciImageConfig } from '../image/oci/oci-image.ts';
import { toApp } from './app-request.ts';
import type { AppRequest } from './app-request.ts';

const IMAGE: OciImageConfig = {
  entrypoint: ['/bin/app'],
  cmd: ['serve'],
  env: ['SECRET_OF_IMAGE=1'],
  workingDir: '/',
  user: '',
  exposedPorts: ['8080/tcp'],
  volumes: [],
  stopSignal: '',
  healthcheck: undefined,
  labels: {},
};
const USER = { uid: 0, gid: 0, groups: [] };
const made = (request: Partial<AppRequest>, image: Partial<OciImageConfig> = {}): ReturnType<typeof toApp> =>
  toApp({ image: 'shop:1', ...request }, { ...IMAGE, ...image }, USER);

describe('a site from an image', () => {
  it('listens where its owner says, or at the one port that the image names', () => {
    expect(made({}).listens).toEqual({ port: 8080 });
    expect(made({ port: 80 }).listens).toEqual({ port: 80 });
    expect(made({ socket: '/run/app/app.sock' }).listens).toEqual({ socket: '/run/app/app.sock' });
  });

  it.each([
    ['no port', {}, { exposedPorts: [] }],
    ['several ports', {}, { exposedPorts: ['80/tcp', '81/tcp'] }],
    ['a port of UDP alone', {}, { exposedPorts: ['53/udp'] }],
    ['a port and a socket', { port: 80, socket: '/run/a/b' }, {}],
    ['no such port', { port: 0 }, {}],
    ['no such port', { port: 65_536 }, {}],
    ['part of a port', { port: 1.5 }, {}],
    ['no command', {}, { entrypoint: [], cmd: [] }],
    ['a command with a null character', { command: ['a\0b'] }, {}],
  ])('is refused for %s', (_what, request, image) => {
    expect(() => made(request, image)).toThrow(expect.objectContaining({ code: 'bad_setting' }));
  });

  it.each([
    'app.sock',
    '/app.sock',
    '/etc/app.sock',
    '/run/../etc/a.sock',
    '/proc/1/a',
    '/dev/shm/a',
    '/run/a/',
    '/run/a b/c',
    '/run/a\n/c',
    `/run/${'x'.repeat(107)}`,
  ])('has no socket at %j', (socket) => {
    expect(() => made({ socket })).toThrow(expect.objectContaining({ code: 'bad_setting' }));
  });

  it.each(['/proc/self/fd/7', '/proc', '//proc/self', '/srv/../proc/1/cwd', '/sys', '/dev/shm'])(
    'begins in no place of the kernel’s, such as %j',
    (workingDir) => {
      expect(() => made({}, { workingDir })).toThrow(expect.objectContaining({ code: 'bad_setting' }));
      expect(made({}, { workingDir: '/srv/process' }).listens).toEqual({ port: 8080 });
    },
  );

  it('has variables as they were given, whatever is in their values', () => {
    expect(made({ env: ['A=', 'B=x=y', 'KEY=-----BEGIN\nMII\n-----END', 'A=2'] }).env).toEqual({ A: '2', B: 'x=y', KEY: '-----BEGIN\nMII\n-----END' });
  });

  it.each(['', '=x', 'A', 'A B=1', 'A\nB=1', '1A=1', 'É=1', 'A=\0', 'SUBAKO_INSTANCE=x', `A=${'x'.repeat(200_000)}`])(
    'refuses the variable %j, and says nothing of its value',
    (pair) => {
      expect(() => made({ env: [pair] })).toThrow(expect.objectContaining({ code: 'bad_setting', message: expect.not.stringContaining('xxx') as string }));
    },
  );

  it('has volumes at places of their own', () => {
    expect(made({ volumes: ['data:/var/lib/data/', 'up.loads:/srv/up loads'] }).volumes).toEqual([
      { name: 'data', path: '/var/lib/data' },
      { name: 'up.loads', path: '/srv/up loads' },
    ]);
  });

  it.each([
    'data',
    ':/data',
    'data:',
    'data:data',
    '../x:/data',
    '.x:/data',
    'A:/data',
    'a/b:/data',
    'd:/',
    'd:/proc',
    'd:/proc/1',
    'd:/data/../proc',
    'd:/dev/shm',
    'd:/etc',
    'd:/a\nb',
    'd:/a]:b',
  ])('refuses the volume %j', (volume) => {
    expect(() => made({ volumes: [volume] })).toThrow(expect.objectContaining({ code: 'bad_setting' }));
  });

  it('refuses two things at one place', () => {
    expect(() => made({ volumes: ['a:/data', 'b:/data/'] })).toThrow(expect.objectContaining({ code: 'bad_setting' }));
    expect(() => made({ volumes: ['a:/run/app'], socket: '/run/app/app.sock' })).toThrow(expect.objectContaining({ code: 'bad_setting' }));
  });

  it.each(['healthz', '/a b', '/a\r\nHost: b', `/${'x'.repeat(2_000)}`])('asks no path such as %j whether it is well', (healthPath) => {
    expect(() => made({ healthPath })).toThrow(expect.objectContaining({ code: 'bad_setting' }));
  });

  it('never mounts a thing outside the container’s own places, whatever is asked for', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, path) => {
        try {
          const [volume] = made({ volumes: [`${name}:${path}`] }).volumes;
          expect(volume?.name).toMatch(/^[a-z0-9][a-z0-9_.-]*$/u);
          expect(volume?.path).toMatch(/^\/(?!proc|sys|dev)/u);
          expect(volume?.path.split('/')).not.toContain('..');
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad_setting' });
        }
      }),
    );
  });
});
