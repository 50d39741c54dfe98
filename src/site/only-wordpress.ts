/** What is done with some sites alone. */
import { SubakoError } from '../domain/errors.ts';
import type { Site } from '../domain/site.ts';
import { isInstalled, isOfCode } from '../stack/stack.ts';
import type { Stack } from '../stack/stack.ts';

/** @throws SubakoError `conflict` for any other site */
export function refuseOtherStacks({ domain, stack, app }: Pick<Site, 'domain' | 'stack' | 'app'>): void {
  if (stack === 'wordpress') return;
  throw new SubakoError('conflict', `${domain} is not a WordPress site`, {
    hint: `it runs ${app?.imageName ?? stack}; subako exec works with every site`,
  });
}

/** @throws SubakoError `conflict` for a site that has no database of the platform's */
export function refuseWithoutDatabase({ domain, app }: Pick<Site, 'domain' | 'app'>, stack: Stack): void {
  if (isInstalled(stack) || (isOfCode(stack) && stack.databaseUrl !== undefined)) return;
  throw new SubakoError('conflict', `${domain} has no database of its own here`, {
    hint: `it runs ${app?.imageName ?? stack.name}; subako exec works with every site that runs`,
  });
}

/** @throws SubakoError `conflict` for what its project alone may change */
export function refuseServices({ domain, app }: Pick<Site, 'domain' | 'app'>): void {
  if (app?.pod === undefined) return;
  throw new SubakoError('conflict', `${domain} belongs to the project ${app.pod.project}`, { hint: 'subako compose up moves it to a newer image' });
}
