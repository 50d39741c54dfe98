/**
 * The address that every container with a network calls its gateway: the host's end of its own link, the same on every machine, so that
 * an image can name it. Behind it are a resolver and the edge, and nothing else of the machine.
 */
export const GATEWAY = '169.254.1.1';
