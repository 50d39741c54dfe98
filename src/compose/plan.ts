/** What must be done so that the containers of a project are those that its model asks for. Pure. */
import type { Container } from '../domain/container.ts';
import type { ProjectModel, ProjectService } from '../domain/project.ts';
import { memberOf } from './labels.ts';
import type { Member } from './labels.ts';

export interface Wanted extends Member {
  /** Of the container. */
  readonly name: string;
  readonly of: ProjectService;
}

export interface Plan {
  /** As they are. */
  readonly kept: readonly Container[];
  readonly made: readonly Wanted[];
  readonly replaced: readonly { readonly wanted: Wanted; readonly container: Container }[];
  /** Of services that want fewer, or that are the site now. */
  readonly surplus: readonly Container[];
  /** Of services that the model does not have any more. */
  readonly orphans: readonly Container[];
}

export interface PlanWish {
  readonly project: string;
  readonly model: ProjectModel;
  /** Services that are meant; others stay as they are. */
  readonly meant: ReadonlySet<string>;
  /** By service. */
  readonly hashes: ReadonlyMap<string, string>;
  /** Also those that are as they should be. */
  readonly recreate: boolean;
}

/** @param containers all that there are, of whatever project */
export function plan({ project, model, meant, hashes, recreate }: PlanWish, containers: readonly Container[]): Plan {
  const own = containersOf(project, containers);
  const wanted = wantedOf({ project, model, meant, hashes });
  const holderOf = (one: Wanted): Container | undefined => own.find((container) => isSame(container, one));
  const isKept = (one: Wanted): boolean => !recreate && memberOf(holderOf(one) as Container)?.hash === one.hash;
  const there = wanted.filter((one) => holderOf(one) !== undefined);
  const known = new Set(model.services.map(({ name }) => name));
  const isWanted = (container: Container): boolean => wanted.some((one) => isSame(container, one));
  return {
    kept: there.filter(isKept).map((one) => holderOf(one) as Container),
    made: wanted.filter((one) => holderOf(one) === undefined),
    replaced: there.filter((one) => !isKept(one)).map((one) => ({ wanted: one, container: holderOf(one) as Container })),
    surplus: own.filter((container) => meant.has(serviceOf(container)) && !isWanted(container)),
    orphans: own.filter((container) => !known.has(serviceOf(container))),
  };
}

function serviceOf(container: Container): string {
  return memberOf(container)?.service ?? '';
}

/** Those that come up with it. */
export function containersOf(project: string, containers: readonly Container[]): Container[] {
  return containers.filter((container) => {
    const member = memberOf(container);
    return member?.project === project && !member.isOneOff;
  });
}

/** The site is none of them: its containers come and go with visitors. */
function wantedOf({ project, model, meant, hashes }: Omit<PlanWish, 'recreate'>): Wanted[] {
  const services = model.services.filter(({ name }) => meant.has(name) && name !== model.site?.service);
  return services.flatMap((of) =>
    Array.from({ length: of.replicas }, (_, index) => {
      const number = index + 1;
      return { project, service: of.name, number, hash: hashes.get(of.name) ?? '', name: containerName(project, of, number), of };
    }),
  );
}

export function containerName(project: string, { name, container }: ProjectService, number: number): string {
  return container.name ?? `${project}-${name}-${number}`;
}

function isSame(container: Container, { service, number }: Wanted): boolean {
  const member = memberOf(container);
  return member?.service === service && member.number === number;
}
