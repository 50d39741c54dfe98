import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { reachIn, reachOfPort, tcpConnections } from './tcp-table.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const line = (local: string, state = '0A'): string => `   0: ${local}:1F90 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 1\n`;
const [ANY, LOOPBACK, OWN] = ['00000000', '0100007F', '0500C90A'];
const [ANY6, LOOPBACK6, MAPPED6] = ['0'.repeat(32), `${'0'.repeat(24)}01000000`, `${'0'.repeat(16)}FFFF00000100007F`];

describe('who reaches a port', () => {
  it.each([
    ['nobody listens', '', 'none'],
    ['a connection is no listener', line(ANY, '01'), 'none'],
    ['every address', line(ANY), 'all'],
    ['every address of both kinds', line(ANY6), 'all'],
    ['its own address', line(OWN), 'all'],
    ['loopback', line(LOOPBACK), 'loopback'],
    ['loopback of IPv6', line(LOOPBACK6), 'loopback'],
    ['loopback in the spelling of both', line(MAPPED6), 'loopback'],
    ['loopback, and another', line(LOOPBACK) + line(OWN), 'all'],
  ])('%s', (_what, lines, reach) => {
    expect(reachIn(HEAD + lines, 8080)).toBe(reach);
    expect(reachIn(HEAD + lines, 8081)).toBe('none');
  });
});

describe('the tables of this machine', () => {
  it('tell who listens, and which connections were begun', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await reachOfPort(process.pid, port)).toBe('loopback');
    const sockets = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    expect((await tcpConnections()).get(`127.0.0.1:${port}`)).toBe(2);
    for (const socket of sockets) socket.destroy();
    server.close();
  });
});
