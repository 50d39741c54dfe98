/** Command lines of crun. Pure: they run nothing. */
export interface CrunPaths {
  /** The crun program. */
  readonly program: string;
  /** Where crun keeps its state; one per platform. */
  readonly root: string;
}

type Argv = readonly string[];

function crun(paths: CrunPaths, ...args: string[]): Argv {
  return [paths.program, '--root', paths.root, '--cgroup-manager', 'cgroupfs', ...args];
}

export function runArgs(paths: CrunPaths, id: string, at: { bundle: string; pidFile: string }): Argv {
  return crun(paths, 'run', '--detach', '--bundle', at.bundle, '--pid-file', at.pidFile, id);
}

export function runToEndArgs(paths: CrunPaths, id: string, bundle: string): Argv {
  return crun(paths, 'run', '--bundle', bundle, id);
}

/**
 * crun takes the user, the empty capability sets and the filter from the bundle, but no_new_privs only from here, and leaves the limits as they
 * are for itself: without prlimit (of util-linux), a command that crashes would leave a core to whatever the machine does with those.
 */
export function execArgs(paths: CrunPaths, id: string, what: { argv: Argv; tty: boolean }): Argv {
  return ['prlimit', '--core=0:0', ...crun(paths, 'exec', '--no-new-privs', ...(what.tty ? ['--tty'] : []), id, ...what.argv)];
}

export function deleteArgs(paths: CrunPaths, id: string): Argv {
  return crun(paths, 'delete', '--force', id);
}

export function listArgs(paths: CrunPaths): Argv {
  return crun(paths, 'list', '--quiet');
}
