/** What a program for images said when it failed, as an error of ours that says what to do. */
import { SubakoError } from '../../domain/errors.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import type { ExecResult } from '../../lib/exec.ts';
import { printable } from '../../lib/printable.ts';

interface Known {
  readonly said: RegExp;
  readonly code: ErrorCode;
  readonly what: string;
  readonly hint: string;
}

/** The first that fits. */
const KNOWN: readonly Known[] = [
  {
    said: /no space left on device|disk quota exceeded/iu,
    code: 'no_space',
    what: 'the disk is full',
    hint: 'subako image prune frees what nobody needs; nothing half made was kept',
  },
  {
    said: /manifest unknown|name unknown|not found: manifest|repository name not known/iu,
    code: 'not_found',
    what: 'the registry has no such image',
    hint: 'look at its name and tag',
  },
  {
    said: /server gave HTTP response to HTTPS client/iu,
    code: 'registry_failed',
    what: 'the registry speaks plain http',
    hint: 'on this machine: --tls-verify=false; elsewhere: `registries` in the definition file',
  },
  {
    said: /x509|certificate|tls: /iu,
    code: 'registry_failed',
    what: 'the registry’s certificate is not trusted',
    hint: 'give its authority: --cert-dir DIR with a .crt file, or `registries` in the definition file',
  },
  {
    said: /invalid username\/password|unauthorized|authentication required|access to the resource is denied|denied: /iu,
    code: 'registry_failed',
    what: 'the registry wants a login, or another one',
    hint: 'subako image login REGISTRY --user NAME',
  },
  {
    said: /Digest did not match|does not match|digest mismatch|mismatched|unexpected EOF.*verif|blob.*verif|invalid checksum|Digest of source.*/iu,
    code: 'registry_failed',
    what: 'what came is not what its digest says',
    hint: 'it was damaged in the registry or on the way; nothing of it was kept',
  },
  {
    said: /connection refused|no such host|i\/o timeout|network is unreachable|server misbehaving|EOF|connection reset/iu,
    code: 'registry_failed',
    what: 'the registry cannot be reached',
    hint: 'look at its name and at the network, then try again: layers that came whole are kept',
  },
  {
    said: /no image found in (?:manifest list|image index)/iu,
    code: 'not_found',
    what: 'the image is not made for this kind of machine',
    hint: 'ask its maker for one',
  },
];

const STEP_FAILED = /while running runtime: exit status/u;

/** @param doing such as `nginx could not be pulled` */
export function toolError(doing: string, result: ExecResult, fallback: ErrorCode): SubakoError {
  const output = said(result);
  // A step of a build may say anything; it is not the registry that failed.
  const known = STEP_FAILED.test(output) ? undefined : KNOWN.find((one) => one.said.test(output));
  const reason = result.timedOut ? 'it took too long' : (known?.what ?? lastLine(output));
  return new SubakoError(known?.code ?? fallback, `${doing}: ${reason}`, {
    ...(known === undefined ? {} : { hint: known.hint }),
    facts: { output: output.slice(-2000), code: result.code },
  });
}

/** Its errors without the dress of a log. */
function said({ stderr, stdout }: ExecResult): string {
  const text = stderr.trim() === '' ? stdout : stderr;
  return text
    .split('\n')
    .map((line) => /\bmsg="((?:[^"\\]|\\.)*)"/u.exec(line)?.[1]?.replaceAll('\\n', ' ').replaceAll(/\\(.)/gu, '$1') ?? line)
    .map(printable)
    .filter((line) => line.trim() !== '')
    .join('\n');
}

function lastLine(text: string): string {
  return (text.split('\n').at(-1) ?? '').replace(/^Error: /u, '').slice(0, 400);
}
