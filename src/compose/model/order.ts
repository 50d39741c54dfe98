/** In which order services come up: each after those that it depends on. Pure. */

interface Ordered {
  readonly name: string;
  readonly dependsOn: readonly { readonly service: string; readonly restart?: boolean }[];
}

/** Thrown for services that wait for one another. */
export class CycleError extends Error {
  /** The first is also the last. */
  readonly cycle: readonly string[];

  constructor(cycle: readonly string[]) {
    super(`services wait for one another: ${cycle.join(' → ')}`);
    this.name = 'CycleError';
    this.cycle = cycle;
  }
}

/** @throws CycleError */
export function inOrder<T extends Ordered>(services: readonly T[]): T[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const ordered = new Set<T>();
  const visit = (service: T, path: readonly string[]): void => {
    if (ordered.has(service)) return;
    const { name } = service;
    if (path.includes(name)) throw new CycleError([...path.slice(path.indexOf(name)), name]);
    for (const { service: other } of service.dependsOn) {
      const needed = byName.get(other);
      if (needed !== undefined) visit(needed, [...path, name]);
    }
    ordered.add(service);
  };
  for (const service of services) visit(service, []);
  return [...ordered];
}

/** These and all that they need, in the order that they have. */
export function withNeeds<T extends Ordered>(services: readonly T[], names: ReadonlySet<string>): T[] {
  const wanted = new Set(names);
  for (const service of services.toReversed()) if (wanted.has(service.name)) for (const { service: other } of service.dependsOn) wanted.add(other);
  return services.filter(({ name }) => wanted.has(name));
}

/** Those that are to be restarted when these are changed or restarted. @param services in the order in which they start */
export function restartedWith(services: readonly Ordered[], names: ReadonlySet<string>): Set<string> {
  const along = new Set<string>();
  for (const { name, dependsOn } of services) {
    const isMeant = dependsOn.some(({ service, restart }) => restart === true && (names.has(service) || along.has(service)));
    if (isMeant && !names.has(name)) along.add(name);
  }
  return along;
}
