/** What the sockets of a dump need of the network namespace that they are made in. */
import { join } from 'node:path';
import { readImage } from './image-file.ts';
import { bytesOf, decode, numberOf } from './protobuf.ts';
import type { Field } from './protobuf.ts';

/** Numbers of fields, from CRIU's images/fdinfo.proto and sk-inet.proto. */
const FILE = { inet: 4 };
const INET = { family: 3, protocol: 5, state: 6, toPort: 8, address: 11 };
const AF_INET = 2;
const TCP = 6;
/** The kernel's states of a TCP socket that has no connection. */
const [CLOSE, LISTEN] = [7, 10];

/**
 * Whether one of them is bound to an address of the container's own (127.0.0.1, say), or connected without being a connection (UDP): an empty
 * namespace has no address. Those of version 6 can be bound before there is one.
 */
export function needsAddresses(dir: string): boolean {
  return readImage(join(dir, 'files.img')).messages.some((message) => {
    const socket = decode(bytesOf(message, FILE.inet));
    return socket.length > 0 && !isConnection(socket) && (isBound(socket) || numberOf(socket, INET.toPort) !== 0);
  });
}

/** It comes back closed. */
function isConnection(socket: readonly Field[]): boolean {
  const state = numberOf(socket, INET.state);
  return numberOf(socket, INET.protocol) === TCP && state !== CLOSE && state !== LISTEN;
}

function isBound(socket: readonly Field[]): boolean {
  return numberOf(socket, INET.family) === AF_INET && numberOf(socket, INET.address) !== 0;
}
