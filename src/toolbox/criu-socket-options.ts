/**
 * A library that CRIU is started with while it dumps. Since Linux 6.16 a socket that is not a Unix socket is not asked for SO_PASSCRED and
 * SO_PASSSEC any more; CRIU before 4.2 asks all the same, and takes the refusal for a failure. Here the answer is the one that older kernels gave.
 */
import type { Recipe } from '../image/recipe.ts';

/** Inside the toolbox. */
export const CRIU_SOCKET_OPTIONS = '/usr/local/lib/criu-socket-options.so';

const SOURCE = '/usr/local/src/criu-socket-options.c';

const TEXT = `/* For CRIU before 4.2 on Linux 6.16 and newer. */
#if defined(__x86_64__)
#define GETSOCKOPT 55
#elif defined(__aarch64__)
#define GETSOCKOPT 209
#endif
#define OPERATION_NOT_SUPPORTED 95
#define SOL_SOCKET 1
#define SO_PASSCRED 16
#define SO_PASSSEC 34

extern long syscall(long number, ...);
extern int *__errno_location(void);

int getsockopt(int fd, int level, int name, void *value, unsigned *length)
{
	long result = syscall(GETSOCKOPT, fd, level, name, value, length);
	if (result == 0 || *__errno_location() != OPERATION_NOT_SUPPORTED)
		return result;
	if (level != SOL_SOCKET || (name != SO_PASSCRED && name != SO_PASSSEC))
		return result;
	*(int *)value = 0;
	*length = sizeof(int);
	return 0;
}
`;

/** What a toolbox that has a compiler needs to have it. */
export const CRIU_SOCKET_OPTIONS_PARTS: Pick<Recipe, 'files' | 'steps'> = {
  files: [{ path: SOURCE, text: TEXT }],
  steps: [{ title: 'compiling what CRIU needs on newer kernels', argv: ['tcc', '-shared', '-nostdlib', '-o', CRIU_SOCKET_OPTIONS, SOURCE] }],
};
