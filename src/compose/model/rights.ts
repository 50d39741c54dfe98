/** What a service may do otherwise than usual, in the words of `subako run`. */
import { refuseOtherPlatform } from '../../container/other-platform.ts';
import { capabilitiesOf, refuseSecurityOptions, sysctlsOf, ulimitsOf } from '../../container/rights.ts';
import type { ServiceContainer } from '../../domain/project.ts';
import { SubakoError } from '../../domain/errors.ts';
import type { ServicePlace } from './resolving.ts';

type Rights = Pick<ServiceContainer, 'capAdd' | 'capDrop' | 'ulimits' | 'sysctls' | 'securityOptions' | 'groups'>;

/** Checked here, so that the line can be named. */
export function rightsOf({ service, refuse }: ServicePlace): Rights {
  const { cap_add: capAdd, cap_drop: capDrop, security_opt: securityOptions, group_add: groups } = service;
  const ulimits = Object.entries(service.ulimits).map(([name, value]) => `${name}=${typeof value === 'string' ? value : `${value.soft}:${value.hard}`}`);
  const sysctls = Object.entries(service.sysctls).map(([name, value]) => `${name}=${value ?? ''}`);
  const checked = <T>(key: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof SubakoError)) throw error;
      return refuse([key], error.message, error.hint);
    }
  };
  checked('cap_add', () => capabilitiesOf({ capAdd }));
  checked('cap_drop', () => capabilitiesOf({ capDrop }));
  checked('ulimits', () => ulimitsOf(ulimits));
  checked('sysctls', () => sysctlsOf(sysctls));
  if (service.platform !== undefined) checked('platform', () => refuseOtherPlatform(service.platform ?? ''));
  checked('security_opt', () => refuseSecurityOptions(securityOptions));
  const all = { capAdd, capDrop, ulimits, sysctls, securityOptions, groups };
  return Object.fromEntries(Object.entries(all).filter(([, texts]) => texts.length > 0));
}
