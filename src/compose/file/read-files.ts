/** The files of a project, with all that they take in: what their services extend, and what they include. */
import { withExtended } from './extends.ts';
import { includedBy } from './include.ts';
import type { Source } from './problem.ts';
import { open } from './reading.ts';
import type { Reading } from './reading.ts';
import type { Surroundings } from './surroundings.ts';

/** Each after those that it includes, in the order in which they are to be laid upon one another. @throws SubakoError `bad_setting` with the line */
export function readFiles(paths: readonly string[], surroundings: Surroundings, missing: Reading['missing']): Source[] {
  return readAll(paths, { surroundings, missing, chain: [], budget: { files: 0 }, opened: new Map(), whole: new Map() });
}

function readAll(paths: readonly string[], reading: Reading): Source[] {
  return paths.flatMap((path) => {
    const source = withExtended(open(path, reading), { ...reading, path });
    const { include, ...value } = source.value;
    return [...includedBy(include, { ...reading, source, chain: [...reading.chain, path], readAll }), { ...source, value }];
  });
}
