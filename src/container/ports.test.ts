import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ANY_PORT, claimPorts, formatPort, parsePorts, publishAll, refuseTwicePublished } from './ports.ts';

describe('published ports', () => {
  it.each([
    ['8080:80', { protocol: 'tcp', hostPort: 8080, containerPort: 80 }],
    ['127.0.0.1:8080:80', { protocol: 'tcp', hostAddress: '127.0.0.1', hostPort: 8080, containerPort: 80 }],
    ['0.0.0.0:53:53/udp', { protocol: 'udp', hostAddress: '0.0.0.0', hostPort: 53, containerPort: 53 }],
    ['[::]:53:53/udp', { protocol: 'udp', hostAddress: '::', hostPort: 53, containerPort: 53 }],
    ['[2001:DB8::0:1]:80:80', { protocol: 'tcp', hostAddress: '2001:db8::1', hostPort: 80, containerPort: 80 }],
    ['[::1]::80', { protocol: 'tcp', hostAddress: '::1', hostPort: ANY_PORT, containerPort: 80 }],
    ['80', { protocol: 'tcp', hostPort: ANY_PORT, containerPort: 80 }],
    ['127.0.0.1::80', { protocol: 'tcp', hostAddress: '127.0.0.1', hostPort: ANY_PORT, containerPort: 80 }],
  ])('%s is understood', (text, port) => {
    expect(parsePorts(text)).toEqual([port]);
  });

  it.each([
    '',
    '0:80',
    '80:0',
    '65536:80',
    'a:b',
    '1:2:3:4',
    '::1:80:80',
    '[127.0.0.1]:80:80',
    '[fe80::1%eth0]:80:80',
    '[]:80:80',
    '[::1:80:80',
    '256.0.0.1:80:80',
    '80/sctp',
    '80; drop',
    '-1:80',
    '10-5',
    '1-2:3-5',
    '1-2000',
    '8000-8010:80',
    '1-2-3',
  ])('%j is refused', (text) => {
    expect(() => parsePorts(text)).toThrow(expect.objectContaining({ code: 'bad_usage' }));
  });

  it('are as many as a range has', () => {
    expect(parsePorts('127.0.0.1:8000-8002:9000-9002/udp').map(formatPort)).toEqual([
      '9000/udp -> 127.0.0.1:8000',
      '9001/udp -> 127.0.0.1:8001',
      '9002/udp -> 127.0.0.1:8002',
    ]);
    expect(parsePorts('7-8').map(({ hostPort, containerPort }) => [hostPort, containerPort])).toEqual([
      [ANY_PORT, 7],
      [ANY_PORT, 8],
    ]);
  });

  it('are all that an image names, once', () => {
    expect(publishAll(['80/tcp', '53/udp', '80', '443-444']).map(formatPort)).toEqual([
      '80/tcp -> 0.0.0.0:?',
      '53/udp -> 0.0.0.0:?',
      '443/tcp -> 0.0.0.0:?',
      '444/tcp -> 0.0.0.0:?',
    ]);
    for (const text of ['8080:80', 'x', '']) expect(() => publishAll([text])).toThrow(expect.objectContaining({ code: 'bad_usage' }));
  });

  it('are written as docker writes them', () => {
    expect(['8080:80', '[::1]:8080:80'].flatMap(parsePorts).map(formatPort)).toEqual(['80/tcp -> 0.0.0.0:8080', '80/tcp -> [::1]:8080']);
  });

  it('are not given twice, but at two addresses', () => {
    expect(() => refuseTwicePublished([...parsePorts('80:1'), ...parsePorts('127.0.0.1:80:2')])).toThrow('twice');
    for (const [one, other] of [
      ['0.0.0.0:80:1', '127.0.0.1:80:1'],
      ['[::1]:80:1', '[::]:80:1'],
      ['[::1]:80:1', '80:1'],
    ] as const)
      expect(() => refuseTwicePublished([...parsePorts(one), ...parsePorts(other)])).toThrow('twice');
    expect(() => refuseTwicePublished(['0.0.0.0:80:1', '[::]:80:1'].flatMap(parsePorts))).not.toThrow();
    expect(() => refuseTwicePublished(['127.0.0.1:80:1', '127.0.0.2:80:1', '80:1/udp', '9', '9'].flatMap(parsePorts))).not.toThrow();
  });

  it('are refused where somebody of the machine listens by the same protocol, with who it is', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    const refused = expect.objectContaining({ code: 'port_taken', message: expect.stringContaining(`pid ${process.pid}`) as string }) as Error;
    await expect(claimPorts(parsePorts(`${port}:53/udp`), [])).rejects.toThrow(refused);
    await using server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    await expect(claimPorts(parsePorts(`${typeof address === 'object' ? address?.port : 0}:80`), [])).rejects.toThrow(refused);
    socket.close();
    await once(socket, 'close');
    expect(await claimPorts(parsePorts(`${port}:53/udp`), [])).toHaveLength(1);
  });
});
