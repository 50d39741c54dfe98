/** Settings `hook.…` of a site: what its owner has run in its containers. Pure. */
import { SubakoError } from '../domain/errors.ts';
import { OWNER_HOOKS } from '../domain/site.ts';
import type { OwnerHook, SiteSettings } from '../domain/site.ts';

/** A path, then arguments: nothing that a shell would read, and none reads it. */
const COMMAND = /^\/[\w./@%+=:,-]*(?: [\w./@%+=:,-]+)*$/u;
const MAX_LENGTH = 500;

/**
 * @param value `off` takes it away
 * @throws SubakoError `bad_setting`
 */
export function changeHooks(hooks: SiteSettings['hooks'], name: string, value: string): SiteSettings['hooks'] {
  const hook = OWNER_HOOKS.find((one) => one === name);
  if (hook === undefined) {
    throw new SubakoError('bad_setting', `there is no hook.${name}`, { hint: `the hooks of a site are ${OWNER_HOOKS.map((one) => `hook.${one}`).join(', ')}` });
  }
  if (value === 'off') return without(hooks, hook);
  if (value.length > MAX_LENGTH || !COMMAND.test(value)) {
    throw new SubakoError('bad_setting', `“hook.${name}=${value.slice(0, 80)}” is not right: it is the path of a program in the container, and its arguments`, {
      hint: `write it like hook.${name}=/usr/local/bin/queue-is-empty, or hook.${name}=off; no shell reads it, so put anything longer into a file`,
    });
  }
  return { ...hooks, [hook]: value };
}

function without(hooks: SiteSettings['hooks'], name: OwnerHook): SiteSettings['hooks'] {
  const { [name]: _gone, ...rest } = hooks;
  return rest;
}
