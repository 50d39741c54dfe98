import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeImage } from './image-file.ts';
import { bytesField, encode, numberField } from './protobuf.ts';
import { needsAddresses } from './sockets.ts';

const [INET, INET6, TCP, UDP] = [2, 10, 6, 17];
const [ESTABLISHED, CLOSE, LISTEN] = [1, 7, 10];
const LOOPBACK = 0x0100007f;
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'subako-sockets-'));
});
afterEach(() => rm(dir, { recursive: true }));

interface Socket {
  readonly family: number;
  readonly protocol: number;
  readonly state: number;
  readonly address?: number;
  readonly toPort?: number;
}

function needs(sockets: readonly Socket[]): boolean {
  const messages = sockets.map(({ family, protocol, state, address = 0, toPort = 0 }, id) => {
    const fields = [id, id, family, 1, protocol, state, 8080, toPort, 0, 0, address].map((value, index) => numberField(index + 1, value));
    return [numberField(1, 2), numberField(2, id), bytesField(4, encode(fields))];
  });
  writeImage(join(dir, 'files.img'), { header: Buffer.alloc(8), messages: [[numberField(1, 1), numberField(2, 99)], ...messages] });
  return needsAddresses(dir);
}

describe('what the sockets of a dump need', () => {
  it.each([
    ['one that listens everywhere', { family: INET, protocol: TCP, state: LISTEN }, false],
    ['one that listens at 127.0.0.1', { family: INET, protocol: TCP, state: LISTEN, address: LOOPBACK }, true],
    ['one that listens at ::1', { family: INET6, protocol: TCP, state: LISTEN, address: 1 }, false],
    ['a connection, which comes back closed', { family: INET, protocol: TCP, state: ESTABLISHED, address: LOOPBACK, toPort: 5432 }, false],
    ['one that is bound and does not listen yet', { family: INET, protocol: TCP, state: CLOSE, address: LOOPBACK }, true],
    ['UDP to somewhere', { family: INET6, protocol: UDP, state: ESTABLISHED, toPort: 53 }, true],
    ['UDP that is bound to nothing', { family: INET, protocol: UDP, state: CLOSE }, false],
  ])('%s', (_what, socket, expected) => {
    expect(needs([{ family: INET, protocol: TCP, state: LISTEN }, socket])).toBe(expected);
  });

  it('is nothing where there are none', () => {
    expect(needs([])).toBe(false);
  });
});
