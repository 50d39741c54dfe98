/**
 * Gives memory back when the daemon has nothing to do. V8 collects when more memory is asked for: what a burst of work left behind
 * (some 100 MiB after 200 new sites) would stay for as long as nothing else happens.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const LOOK_EVERY_MS = 5_000;
/** A collection stops the daemon for some 50 ms: not for less than this. */
const WORTH_BYTES = 24 * 1024 * 1024;

/** @param isCalm whether nobody would wait for it */
export function collectWhenCalm(isCalm: () => boolean): Disposable {
  const collect = garbageCollector();
  let left = 0;
  let wasCalm = false;
  const timer = setInterval(() => {
    const calm = isCalm();
    // A pause between two bursts is no rest.
    if (calm && wasCalm && inUse() - left > WORTH_BYTES) {
      collect();
      left = inUse();
    }
    left = Math.min(left, inUse());
    wasCalm = calm;
  }, LOOK_EVERY_MS).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function inUse(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
