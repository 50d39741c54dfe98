/** Events of containers: what happened, and nothing that was asked for, which may hold secrets. */
import type { Container } from '../domain/container.ts';
import type { EventSink } from '../domain/events.ts';

type Happening = 'container.created' | 'container.started' | 'container.ended' | 'container.removed';

export function tell(emit: EventSink, type: Happening, { id, name, image, exitCode, wasOutOfMemory }: Container): void {
  const facts = { container: name, image: image.ref, ...(exitCode === undefined ? {} : { exitCode }), ...(wasOutOfMemory ? { outOfMemory: true } : {}) };
  emit({ type, instance: id, facts });
}
