/** The one error type of Subako: a stable code, a sentence, a hint and the facts behind it. */

/** Codes are part of the contract: they appear in `--json` output, API replies and logs, and never change meaning. */
export const ERROR_CODES = {
  bad_usage: 2,
  bad_domain: 2,
  bad_setting: 2,
  bad_certificate: 1,
  certificate_failed: 1,
  not_found: 1,
  unknown_host: 1,
  already_exists: 1,
  conflict: 1,
  busy: 1,
  not_running: 1,
  already_running: 1,
  port_taken: 1,
  wake_failed: 1,
  wake_timeout: 1,
  wake_overflow: 1,
  backing_off: 1,
  command_failed: 1,
  command_missing: 1,
  host_unfit: 1,
  build_failed: 1,
  registry_failed: 1,
  database_failed: 1,
  state_damaged: 1,
  no_space: 1,
  image_refused: 1,
  internal: 1,
} as const satisfies Record<string, 1 | 2>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorDetails {
  /** What the person can do about it: one sentence, lower case, no full stop. */
  readonly hint?: string;
  /** What was true when it failed; printed in logs, never secrets. */
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

export class SubakoError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = 'SubakoError';
    this.code = code;
    this.hint = details.hint;
    this.facts = details.facts ?? {};
  }
}

/** Any thrown value as a SubakoError; what is not ours becomes `internal`, but a full disk is told apart. */
export function asSubakoError(error: unknown): SubakoError {
  if (error instanceof SubakoError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (isErrno(error, 'ENOSPC') || isErrno(error, 'EDQUOT') || /No space left on device|Disk quota exceeded|database or disk is full/u.test(message)) {
    return new SubakoError('no_space', 'the disk is full', {
      hint: 'free some space and try again; nothing half-made was kept',
      facts: { reason: message },
      cause: error,
    });
  }
  return new SubakoError('internal', message, { cause: error });
}

export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
