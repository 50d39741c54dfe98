/** Is anyone listening on this Unix socket? */
import { connect } from 'node:net';

/** True when a connection is accepted into the backlog; false when the socket is missing or nobody listens. */
export function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
