/** A container of a service that runs a command once, beside those that come up with the project. Pure. */
import { join } from 'node:path';
import type { ContainerRequest } from '../domain/container-request.ts';
import { SubakoError } from '../domain/errors.ts';
import type { Project } from '../domain/project.ts';
import { baseRequest } from './requests.ts';

export interface OneOffWish {
  readonly service: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  /** Besides the service's own. */
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  readonly tty?: boolean;
  readonly interactive?: boolean;
}

/** Without published ports, restarts and health checks, and gone when it ends. @throws SubakoError `not_found` */
export function oneOffRequest({ name, model }: Project, { service: wanted, env = [], command, ...wish }: OneOffWish, dir: string): ContainerRequest {
  const service = model.services.find((one) => one.name === wanted);
  if (service === undefined) {
    throw new SubakoError('not_found', `the project ${name} has no service ${wanted}`, { hint: `it has ${model.services.map((one) => one.name).join(', ')}` });
  }
  const {
    publish: _publish,
    restart: _restart,
    ...base
  } = baseRequest(service, { project: name, service: wanted, number: 1, hash: '' }, { model, dir: join(dir, name), isOneOff: true });
  const { healthArgv: _argv, ...kept } = base;
  return {
    ...kept,
    ...wish,
    ...(command === undefined || command.length === 0 ? {} : { command }),
    env: [...(base.env ?? []), ...env],
    healthCmd: 'none',
    remove: true,
  };
}
