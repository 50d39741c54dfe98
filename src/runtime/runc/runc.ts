/** The driver runc: the reference of the field. */
import type { Dialect } from '../oci-cli/dialect.ts';

export const RUNC: Dialect = {
  name: 'runc',
  options: [],
  execOptions: ({ tty }) => ['--no-new-privs', ...(tty ? ['--tty'] : [])],
  leavesStreams: true,
};
