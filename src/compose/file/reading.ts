/** What reading the files of a project shares. */
import { SubakoError } from '../../domain/errors.ts';
import { parseDotenv } from './dotenv.ts';
import type { Source } from './problem.ts';
import { readSource } from './read-source.ts';
import type { Surroundings } from './surroundings.ts';

export interface Reading {
  readonly surroundings: Surroundings;
  /** Told of a variable that is not set and has no default. */
  readonly missing: (name: string) => void;
  /** Files that include one another on the way here. */
  readonly chain: readonly string[];
  /** Files read so far, of the whole project. */
  readonly budget: { files: number };
  /** Files that services extend, by their paths. */
  readonly opened: Map<string, Source>;
  /** Services with what they extend, by file and name. */
  readonly whole: Map<string, unknown>;
}

const MOST_FILES = 100;

/** One compose file, by itself. @throws SubakoError */
export function open(path: string, { surroundings, missing, budget }: Pick<Reading, 'surroundings' | 'missing' | 'budget'>): Source {
  budget.files += 1;
  if (budget.files > MOST_FILES) throw new SubakoError('bad_setting', `${surroundings.shown(path)}: a project is read from ${MOST_FILES} files at most`);
  return readSource(surroundings.shown(path), surroundings.read(path).toString('utf8'), { valueOf: surroundings.variableOf, missing });
}

/** Variables of files of such, the later over the earlier. @throws SubakoError `bad_setting` with the line */
export function openDotenvs(paths: readonly string[], { read, shown, variableOf }: Pick<Surroundings, 'read' | 'shown' | 'variableOf'>): Map<string, string> {
  const known = new Map<string, string>();
  for (const path of paths) {
    const variables = { valueOf: (name: string) => variableOf(name) ?? known.get(name), missing: () => undefined };
    for (const [name, value] of Object.entries(inFile(path, { read, shown }, (text) => parseDotenv(text, variables)))) known.set(name, value);
  }
  return known;
}

function inFile<T>(path: string, { read, shown }: Pick<Surroundings, 'read' | 'shown'>, work: (text: string) => T): T {
  const text = read(path).toString('utf8');
  try {
    return work(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new SubakoError('bad_setting', `${shown(path)}: ${error.message}`, {
      hint: 'write $$ for a dollar, or put the value into single quotes',
      cause: error,
    });
  }
}
