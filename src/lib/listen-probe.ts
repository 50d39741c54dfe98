/** Is anyone listening there? */
import { connect } from 'node:net';
import type { NetConnectOpts } from 'node:net';

/** True when a connection is accepted into the backlog; false when the socket is missing or nobody listens. */
export function isListening(where: NetConnectOpts): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(where);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
