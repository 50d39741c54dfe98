/** Opens the socket at which a container that may send mail hands it over. Called before the container starts. */
import { rangeBase } from '../domain/uid-range.ts';
import type { MailDoors } from '../mail/mail-doors.ts';
import type { Stack, StackContext } from '../stack/stack.ts';

export async function openMailDoor(doors: MailDoors, stack: Stack, context: StackContext): Promise<void> {
  const path = stack.mailSocketOf?.(context);
  if (path === undefined) return;
  const { site, instance } = context;
  await doors.open({ site: site.domain, instance: instance.id, path, owner: rangeBase(instance.uidRange) + (stack.uid ?? 0) });
}
