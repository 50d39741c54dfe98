/** How a container is known as one of a project. The words are Docker Compose's, for tools that look for them. Pure. */
import { createHash } from 'node:crypto';
import type { Container } from '../domain/container.ts';
import type { ProjectService } from '../domain/project.ts';

/** Networks have it, too. */
export const PROJECT = 'com.docker.compose.project';
const SERVICE = 'com.docker.compose.service';
const NUMBER = 'com.docker.compose.container-number';
const HASH = 'com.docker.compose.config-hash';
const ONE_OFF = 'com.docker.compose.oneoff';

export interface Member {
  readonly project: string;
  readonly service: string;
  /** From 1. */
  readonly number: number;
  /** Of everything that it was made by. */
  readonly hash: string;
}

/** `NAME=value`. @param isOneOff it is none of those that come up */
export function labelsOf({ project, service, number, hash }: Member, isOneOff = false): string[] {
  const labels = { [PROJECT]: project, [SERVICE]: service, [NUMBER]: number, [HASH]: hash, [ONE_OFF]: isOneOff ? 'True' : 'False' };
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`);
}

/** Undefined for one that is of no project. */
export function memberOf({ spec: { labels } }: Pick<Container, 'spec'>): (Member & { readonly isOneOff: boolean }) | undefined {
  const { [PROJECT]: project, [SERVICE]: service, [NUMBER]: number, [HASH]: hash = '', [ONE_OFF]: oneOff } = labels;
  if (project === undefined || service === undefined) return undefined;
  return { project, service, number: Number(number ?? 1), hash, isOneOff: oneOff === 'True' };
}

/** @param imageId of the image that its name leads to now */
export function hashOf({ container, files }: ProjectService, imageId: string): string {
  return createHash('sha256')
    .update(JSON.stringify([imageId, container, files]))
    .digest('hex')
    .slice(0, 32);
}
