/** The files of a project as one, checked against what is understood. */
import type { z } from 'zod';
import { SubakoError } from '../../domain/errors.ts';
import { mergeSources } from './merge.ts';
import { placeOf, refusal } from './problem.ts';
import type { Source } from './problem.ts';
import { COMPOSE } from './schema.ts';
import type { ComposeFile } from './schema.ts';
import { sift } from './unsupported.ts';

export interface ReadProject {
  readonly file: ComposeFile;
  readonly sources: readonly Source[];
  /** What is left out, and why: for people. */
  readonly warnings: readonly string[];
}

/** @throws SubakoError `bad_setting` with the line and what to do */
export function readProject(sources: readonly Source[]): ReadProject {
  const { value, refused, leftOut } = sift(mergeSources(sources));
  const [first] = refused;
  if (first !== undefined) throw refusal(sources, first);
  const parsed = COMPOSE.safeParse(value);
  const [issue] = parsed.error?.issues ?? [];
  if (issue !== undefined) throw wrong(sources, issue);
  if (parsed.data === undefined) throw new TypeError('neither data nor an error');
  if (Object.keys(parsed.data.services).length === 0) throw new SubakoError('bad_setting', `${placeOf(sources, [])}: it has no services`);
  return { file: parsed.data, sources, warnings: leftOut.map(({ keys, message }) => `${placeOf(sources, keys)} is left out: ${message}`) };
}

function wrong(sources: readonly Source[], issue: z.core.$ZodIssue): SubakoError {
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    return refusal(sources, { keys: [...issue.path, key], message: 'there is no such key', hint: 'docs/compose.md lists those there are' });
  }
  const [services, , key, index] = issue.path;
  if (services === 'services' && issue.path.length === 4 && typeof index === 'number' && (key === 'ports' || key === 'volumes')) {
    const hint = key === 'ports' ? 'write it like 8080:80, 127.0.0.1:8080:80 or 5353:53/udp' : 'write it like data:/var/lib/data or ./src:/app:ro';
    return refusal(sources, { keys: issue.path, message: 'it is not understood', hint });
  }
  if (issue.code === 'invalid_key') return refusal(sources, { keys: issue.path, message: lowered(issue.issues[0]?.message ?? issue.message) });
  if (issue.code === 'invalid_union') return refusal(sources, { keys: issue.path, message: unionMessage(issue) });
  const missing = issue.path.length === 1 && issue.path[0] === 'services' && issue.message.includes('undefined');
  return refusal(sources, { keys: issue.path, message: missing ? 'it has no services' : lowered(issue.message) });
}

function unionMessage({ errors }: z.core.$ZodIssueInvalidUnion): string {
  const messages = errors.flat().map(({ message }) => lowered(message).replace(/^invalid input: /u, ''));
  return [...new Set(messages)].join(', or ');
}

function lowered(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
