/** Options of `run` and `create` by which a container may do less than usual, or otherwise: docker's. */
import type { Command } from 'commander';
import type { ContainerRequest } from '../domain/container-request.ts';
import { collect } from './collect.ts';

export interface RightsOptions {
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly ulimit: readonly string[];
  readonly sysctl: readonly string[];
  readonly securityOpt: readonly string[];
  readonly groupAdd: readonly string[];
}

export function withRightsOptions(command: Command): Command {
  return command
    .option('--cap-drop <capability>', 'what root in there may not do, such as CHOWN, or ALL', collect, [])
    .option('--cap-add <capability>', 'of those it has in any case, after --cap-drop ALL', collect, [])
    .option('--ulimit <name=soft[:hard]>', 'such as nofile=1024', collect, [])
    .option('--sysctl <name=value>', 'of its own network and shared memory, such as net.core.somaxconn=1024', collect, [])
    .option('--security-opt <option>', 'no-new-privileges, which holds in any case', collect, [])
    .option('--group-add <group>', 'a further group of its user', collect, []);
}

export function rightsOf({ capAdd, capDrop, ulimit, sysctl, securityOpt, groupAdd }: RightsOptions): Partial<ContainerRequest> {
  return { capAdd, capDrop, ulimits: ulimit, sysctls: sysctl, securityOptions: securityOpt, groups: groupAdd };
}
