/** What is asked for when a project is brought up, and what is known of it on the way. */
import type { Project, ProjectModel } from '../domain/project.ts';
import type { Checked } from './check.ts';
import type { Plan } from './plan.ts';
import type { Contents } from './project-files.ts';

export interface UpWish {
  readonly name: string;
  readonly model: ProjectModel;
  readonly contents: Contents;
  /** Services to bring up; the others stay as they are. */
  readonly meant: readonly string[];
  readonly removeOrphans: boolean;
  readonly recreate: boolean;
  /** False: everything is made, and nothing started. */
  readonly start: boolean;
  /** Until everything is well that has a health check, and at most so long where it is said. */
  readonly wait?: { readonly timeoutMs?: number };
  readonly progress: (text: string) => void;
}

export interface Made {
  readonly project: Project;
  readonly planned: Plan;
  readonly undo: AsyncDisposableStack;
  readonly checked: ReadonlyMap<string, Checked>;
  /** Of its files. */
  readonly dir: string;
}
