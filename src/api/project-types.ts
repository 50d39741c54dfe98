/** Projects as the API and `--json` show them. Times are Unix time in milliseconds. */
import type { ContainerState } from '../domain/container.ts';

export interface ProjectReply {
  readonly name: string;
  readonly phase: 'creating' | 'ready' | 'changing' | 'removing';
  /** Null: it has none. */
  readonly site: { readonly domain: string; readonly url: string; readonly state: string; readonly service: string } | null;
  readonly services: readonly ProjectServiceReply[];
  /** Of the platform. */
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
  readonly createdAt: number;
}

export interface ProjectServiceReply {
  readonly service: string;
  readonly image: string;
  /** Visitors come to it: its containers are the site's. */
  readonly isSite: boolean;
  readonly containers: readonly {
    readonly id: string;
    readonly name: string;
    readonly state: ContainerState;
    readonly health: string | null;
    readonly exitCode: number | null;
    readonly ports: readonly string[];
  }[];
}
