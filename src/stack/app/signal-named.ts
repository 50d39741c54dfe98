/** The signal that an image names as its own way to be stopped. */
import { constants } from 'node:os';

/** @param text a stranger's: what is no signal's name or number is `SIGTERM` */
export function signalNamed(text: string): NodeJS.Signals {
  const wanted = text.toUpperCase().replace(/^(?!SIG|\d)/u, 'SIG');
  const known = Object.entries(constants.signals).find(([name, number]) => name === wanted || String(number) === wanted);
  return (known?.[0] as NodeJS.Signals | undefined) ?? 'SIGTERM';
}
