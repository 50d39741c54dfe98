/** The driver crun. */
import type { Dialect } from '../oci-cli/dialect.ts';

export const CRUN: Dialect = {
  name: 'crun',
  options: ['--cgroup-manager', 'cgroupfs'],
  // It takes user, empty capability sets and filter from the bundle, but no_new_privs only from here.
  execOptions: ({ tty }) => ['--no-new-privs', ...(tty ? ['--tty'] : [])],
};
