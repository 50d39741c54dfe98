/** What a definition file says, before anybody looked whether it may be. */
import { readFileSync } from 'node:fs';
import { isErrno, SubakoError } from '../domain/errors.ts';

export interface Definition {
  /** Undefined where there is no file. */
  readonly path: string | undefined;
  readonly value: unknown;
  /** Line of the value at this path of keys, where it can be told. */
  readonly lineOf: (keys: readonly PropertyKey[]) => number | undefined;
}

/** @throws SubakoError `bad_setting` */
export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = isErrno(error, 'EACCES') ? 'is for root alone' : 'cannot be read';
    throw new SubakoError('bad_setting', `${path} ${why}`, { hint: 'use sudo, or mend it', cause: error });
  }
}
