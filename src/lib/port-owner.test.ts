import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { portOwner } from './port-owner.ts';

const me = expect.objectContaining({ pid: process.pid }) as unknown;

describe('who has a port', () => {
  it.each(['127.0.0.1', '::1'])('is who listens there over TCP, at %s', async (host) => {
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await portOwner(port, 'tcp')).toEqual(me);
    server.close();
    await once(server, 'close');
    expect(await portOwner(port, 'tcp')).toBeUndefined();
  });

  it.each(['127.0.0.1', '::1'] as const)('is who takes datagrams there, at %s', async (address) => {
    const socket = createSocket(address === '::1' ? 'udp6' : 'udp4').bind(0, address);
    await once(socket, 'listening');
    const { port } = socket.address();
    expect(await portOwner(port, 'udp')).toEqual(me);
    socket.close();
    await once(socket, 'close');
    expect(await portOwner(port, 'udp')).toBeUndefined();
  });
});
