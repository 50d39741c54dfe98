/** Containers that are to take the place of others: called so until they do. Pure. */
import type { Container } from '../domain/container.ts';

const DRAFT = '.next';

export function draftName(name: string): string {
  return `${name}${DRAFT}`;
}

export function isDraft({ name }: Pick<Container, 'name'>): boolean {
  return name.endsWith(DRAFT);
}

/** What it is to be called. */
export function finalName({ name }: Pick<Container, 'name'>): string {
  return name.endsWith(DRAFT) ? name.slice(0, -DRAFT.length) : name;
}

/** Without those that another is to take the place of. */
export function withoutReplaced(containers: readonly Container[]): Container[] {
  const replaced = new Set(containers.filter(isDraft).map(finalName));
  return containers.filter(({ name }) => !replaced.has(name));
}
