import { describe, expect, it } from 'vitest';
import { ANY_PORT, formatPort, parsePort, refuseTwicePublished } from './ports.ts';

describe('published ports', () => {
  it.each([
    ['8080:80', { protocol: 'tcp', hostPort: 8080, containerPort: 80 }],
    ['127.0.0.1:8080:80', { protocol: 'tcp', hostAddress: '127.0.0.1', hostPort: 8080, containerPort: 80 }],
    ['0.0.0.0:53:53/udp', { protocol: 'udp', hostPort: 53, containerPort: 53 }],
    ['80', { protocol: 'tcp', hostPort: ANY_PORT, containerPort: 80 }],
    ['127.0.0.1::80', { protocol: 'tcp', hostAddress: '127.0.0.1', hostPort: ANY_PORT, containerPort: 80 }],
  ])('%s is understood', (text, port) => {
    expect(parsePort(text)).toEqual(port);
  });

  it.each(['', '0:80', '80:0', '65536:80', 'a:b', '1:2:3:4', '::1:80:80', '256.0.0.1:80:80', '80/sctp', '80; drop', '-1:80'])('%j is refused', (text) => {
    expect(() => parsePort(text)).toThrow(expect.objectContaining({ code: 'bad_usage' }));
  });

  it('are written as docker writes them', () => {
    expect(formatPort(parsePort('8080:80'))).toBe('80/tcp -> 0.0.0.0:8080');
  });

  it('are not given twice, but at two addresses', () => {
    expect(() => refuseTwicePublished([parsePort('80:1'), parsePort('127.0.0.1:80:2')])).toThrow('twice');
    expect(() => refuseTwicePublished(['127.0.0.1:80:1', '127.0.0.2:80:1', '80:1/udp', '9', '9'].map(parsePort))).not.toThrow();
  });
});
