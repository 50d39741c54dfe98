/** What networks and volumes of a project are called by the platform. Pure. */
import type { ComposeFile } from '../file/schema.ts';

export function networkName(key: string, networks: ComposeFile['networks'], project: string): string {
  const given = networks?.[key];
  return given?.name ?? (given?.external === true ? key : `${project}_${key}`);
}

export function volumeName(key: string, volumes: ComposeFile['volumes'], project: string): string {
  const given = volumes?.[key];
  return given?.name ?? (given?.external === true ? key : `${project}_${key}`);
}
