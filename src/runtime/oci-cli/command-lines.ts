/** Command lines of an OCI runtime. Pure: they run nothing. */
import type { Dialect, OciUser } from './dialect.ts';

export interface CliPaths {
  readonly program: string;
  /** Where the program keeps its state; one per platform. */
  readonly root: string;
}

type Argv = readonly string[];

export class CommandLines {
  readonly #dialect: Dialect;
  readonly #paths: CliPaths;

  constructor(dialect: Dialect, paths: CliPaths) {
    this.#dialect = dialect;
    this.#paths = paths;
  }

  run(id: string, at: { bundle: string; pidFile: string; options: Argv }): Argv {
    return this.#line(at.options, 'run', '--detach', '--bundle', at.bundle, '--pid-file', at.pidFile, id);
  }

  /** As `run`, but that it waits for `start`. */
  create(id: string, at: { bundle: string; pidFile: string; options: Argv }): Argv {
    return this.#line(at.options, 'create', '--bundle', at.bundle, '--pid-file', at.pidFile, id);
  }

  runToEnd(id: string, at: { bundle: string; options: Argv }): Argv {
    return this.#line(at.options, 'run', '--bundle', at.bundle, id);
  }

  /** As `runToEnd`, and tells the pid. */
  runHere(id: string, at: { bundle: string; pidFile: string; options: Argv }): Argv {
    return this.#line(at.options, 'run', '--bundle', at.bundle, '--pid-file', at.pidFile, id);
  }

  start(id: string, options: Argv): Argv {
    return this.#line(options, 'start', id);
  }

  /** What comes before the command. */
  global(options: Argv): Argv {
    return ['--root', this.#paths.root, ...this.#dialect.options, ...options];
  }

  /**
   * A runtime leaves the limits as they are for itself: without prlimit (of util-linux), a command that crashes would leave a core to whatever
   * the machine does with those.
   */
  exec(id: string, { options, pidFile, ...what }: { argv: Argv; tty: boolean; user: () => OciUser; options: Argv; pidFile?: string }): Argv {
    const pid = pidFile === undefined ? [] : ['--pid-file', pidFile];
    return ['prlimit', '--core=0:0', ...this.#line(options, 'exec', ...this.#dialect.execOptions(what), ...pid, id, ...what.argv)];
  }

  /** As `exec`, with everything of the process in a file: no variable is in a command line, where every user of the machine could read it. */
  execProcess(id: string, { file, options }: { file: string; options: Argv }): Argv {
    return ['prlimit', '--core=0:0', ...this.#line(options, 'exec', ...this.#dialect.execOptions({ tty: false, user: inTheFile }), '--process', file, id)];
  }

  delete(id: string): Argv {
    const line = this.#line([], 'delete', '--force', id);
    // In a pid namespace of its own there is no process of the container to wait for; they are dead by then.
    return this.#dialect.deleteWaitsForInit === true ? ['unshare', '--pid', '--fork', '--kill-child', '--', ...line] : line;
  }

  list(): Argv {
    return this.#line([], 'list', '--quiet');
  }

  #line(options: Argv, ...command: string[]): Argv {
    return [this.#paths.program, ...this.global(options), ...command];
  }
}

/** Never asked by the runtimes that take a whole process. */
function inTheFile(): OciUser {
  return { uid: 0, gid: 0 };
}
