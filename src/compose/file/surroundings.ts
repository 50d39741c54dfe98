/** Where a compose file's own files and variables come from: whoever types the command. */
export interface Surroundings {
  /** Relative paths begin here. */
  readonly dir: string;
  readonly variableOf: (name: string) => string | undefined;
  /** Of a plain file that a compose file names. @throws SubakoError where it cannot be read, or is large beyond reason */
  readonly read: (path: string) => Buffer;
  readonly kindOf: (path: string) => 'file' | 'directory' | undefined;
  /** As it is to be named in errors. */
  readonly shown: (path: string) => string;
}
