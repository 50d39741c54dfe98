/** Commands that are waited for in a hot path, without those that are not: loading them all takes longer than what they do. */
import type { Command } from 'commander';

const QUICK: Readonly<Record<string, () => Promise<() => Command>>> = {
  run: async () => (await import('./commands/run.ts')).runCommand,
  exec: async () => (await import('./commands/exec.ts')).execCommand,
  ps: async () => (await import('./commands/ps.ts')).psCommand,
  stop: async () => (await import('./commands/container-move.ts')).stopCommand,
  rm: async () => (await import('./commands/container-move.ts')).removeCommand,
};

/** Undefined where the command line names none of them first, or it asks for help, which all have a part in. */
export function quickCommand(argv: readonly string[]): (() => Promise<() => Command>) | undefined {
  const [name = ''] = argv;
  return Object.hasOwn(QUICK, name) && argv[1] !== '--help' ? QUICK[name] : undefined;
}
