import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHistory, parseImageConfig } from './image-config.ts';

describe('what an image says of itself', () => {
  it('is read as docker writes it', () => {
    const config = {
      Entrypoint: ['/entry'],
      Cmd: ['serve'],
      Env: ['PATH=/bin', 'EMPTY='],
      WorkingDir: '/srv',
      User: 'app:app',
      ExposedPorts: { '8080/tcp': {}, '53/udp': {} },
      Volumes: { '/data': {} },
      StopSignal: 'SIGQUIT',
      Labels: { a: 'b' },
      Healthcheck: { Test: ['CMD', 'true'], Interval: 30_000_000_000, Timeout: 0, Retries: 3 },
    };
    expect(parseImageConfig({ config })).toEqual({
      entrypoint: ['/entry'],
      cmd: ['serve'],
      env: ['PATH=/bin', 'EMPTY='],
      workingDir: '/srv',
      user: 'app:app',
      exposedPorts: ['8080/tcp', '53/udp'],
      volumes: ['/data'],
      stopSignal: 'SIGQUIT',
      labels: { a: 'b' },
      healthcheck: { test: ['CMD', 'true'], intervalMs: 30_000, timeoutMs: undefined, startPeriodMs: undefined, retries: 3 },
    });
  });

  it('may be missing', () => {
    expect(parseImageConfig({})).toMatchObject({ entrypoint: [], cmd: [], env: [], workingDir: '/', user: '', healthcheck: undefined });
  });

  it('is left out where it is not as it should be', () => {
    const config = {
      Cmd: ['a', 1],
      Env: ['=x', 'A=1'],
      WorkingDir: 'srv',
      ExposedPorts: { 'x y': {} },
      Volumes: { relative: {} },
      User: 'a\0b',
      Labels: { a: 1 },
    };
    expect(parseImageConfig({ config })).toMatchObject({ cmd: [], env: ['A=1'], workingDir: '/', exposedPorts: [], volumes: [], user: '', labels: {} });
  });

  it('may be any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        parseImageConfig(value);
        parseImageConfig({ config: value });
        parseHistory(value);
        parseHistory({ history: [value] });
      }),
    );
  });
});
