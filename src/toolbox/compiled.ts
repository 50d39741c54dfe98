/** What is compiled when a toolbox is made. The compiler is taken out again with all that came with it: nothing that runs from the toolbox has a use for one. */
import type { Recipe } from '../image/recipe.ts';
import { CRIU_SOCKET_OPTIONS_PARTS } from './criu-socket-options.ts';
import { PAGE_VARIABLES_PARTS } from './page-variables.ts';

/** Along with them, and of use to nobody else. */
const CAME_ALONG = ['libc6-dev', 'libc-dev-bin', 'libcrypt-dev', 'linux-libc-dev', 'rpcsvc-proto', 'libpcre2-16-0', 'libpcre2-32-0'];

const COMPILER = ['tcc', ...PAGE_VARIABLES_PARTS.packages];

export const COMPILED = {
  packages: COMPILER,
  unpacked: PAGE_VARIABLES_PARTS.unpacked,
  files: [...CRIU_SOCKET_OPTIONS_PARTS.files, ...PAGE_VARIABLES_PARTS.files],
  steps: [
    ...CRIU_SOCKET_OPTIONS_PARTS.steps,
    ...PAGE_VARIABLES_PARTS.steps,
    { title: 'removing the compiler', argv: ['dpkg', '--purge', ...COMPILER, ...CAME_ALONG] },
  ],
} satisfies Partial<Recipe>;
