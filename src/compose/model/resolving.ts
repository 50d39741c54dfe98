/** What is looked at while a compose file becomes a model, and what comes of it. */
import type { ProjectModel } from '../../domain/project.ts';
import type { ReadProject } from '../file/read-project.ts';
import type { Surroundings } from '../file/surroundings.ts';
import type { ComposeBuild, ComposeService } from '../file/schema.ts';

/** As the command line says; it wins over `x-subako` in the file. */
export interface SiteWish {
  readonly domain?: string | undefined;
  readonly service?: string | undefined;
  readonly port?: number | undefined;
}

export interface ModelWish extends SiteWish {
  readonly project: string;
  readonly profiles: readonly string[];
  /** Those and what they need; empty: all. */
  readonly services: readonly string[];
  /** Without what they need. */
  readonly alone?: boolean | undefined;
  /** How many, by service: more than the file says. */
  readonly scale?: Readonly<Record<string, number>> | undefined;
}

export interface Resolved {
  readonly model: ProjectModel;
  /** Names of the services that are asked for, with what they need. */
  readonly meant: readonly string[];
  /** Of files, by what `ProjectFile.content` says; base64. */
  readonly contents: Readonly<Record<string, string>>;
  /** Of images that are built for those, by their names. */
  readonly builds: ReadonlyMap<string, ComposeBuild>;
  readonly pullPolicies: ReadonlyMap<string, ComposeService['pull_policy']>;
  readonly warnings: readonly string[];
}

/** What resolving a service looks at. */
export interface Resolving {
  readonly project: ReadProject;
  readonly wish: ModelWish;
  readonly surroundings: Surroundings;
  readonly contents: Map<string, Buffer>;
  readonly warn: (keys: readonly PropertyKey[], message: string) => void;
}

/** One service, while it is resolved. */
export interface ServicePlace extends Resolving {
  readonly name: string;
  readonly service: ComposeService;
  /** Of keys below it. @throws */
  readonly refuse: (keys: readonly PropertyKey[], message: string, hint?: string) => never;
}
