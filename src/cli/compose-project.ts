/** What a compose file says, for the commands that need it. A parser and a schema of many modules read it: no other command waits for them. */
import type { ComposeOptions, LoadedProject, LoadWish } from './compose-files.ts';

/** @throws SubakoError with the line and what to do */
export async function loadProject(options: ComposeOptions, wish: LoadWish): Promise<LoadedProject> {
  const files = await import('./compose-files.ts');
  return files.loadProject(options, wish);
}

/** Of the project that is meant, for what needs nothing else of it. */
export async function projectNameOf(options: ComposeOptions): Promise<string> {
  const files = await import('./compose-files.ts');
  return files.projectNameOf(options);
}
