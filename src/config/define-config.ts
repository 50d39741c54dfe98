/** What a definition file imports from `subako`: types for editors, and nothing that does anything. */
import type { z } from 'zod';
import type { FILE_SCHEMA } from './config.ts';

export type { HookAnswer, HookEvent, HookFunction } from '../hooks/hook.ts';

export type SubakoConfig = z.input<typeof FILE_SCHEMA>;

/** The definition as it is: this is for editors, which know the keys by it. */
export function defineConfig(config: SubakoConfig): SubakoConfig {
  return config;
}
