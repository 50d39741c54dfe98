/** Events: everything that happened to a site or to the platform, with its cause. */

type EventType =
  | 'platform.started'
  | 'platform.stopped'
  | 'service.started'
  | 'service.adopted'
  | 'service.failed'
  | 'site.created'
  | 'site.removed'
  | 'site.changed'
  | 'site.undone'
  | 'certificate.issued'
  | 'certificate.failed'
  | 'certificate.removed'
  | 'instance.woken'
  | 'instance.wake-failed'
  | 'instance.slept'
  | 'instance.died'
  | 'instance.oom'
  | 'instance.neglected'
  | 'instance.recycled'
  | 'instance.added'
  | 'instance.ended'
  | 'restore.failed'
  | 'spare.made'
  | 'spare.failed'
  | 'spare.dropped'
  | 'template.made'
  | 'template.failed'
  | 'template.discarded'
  | 'template.proven'
  | 'checkpoint.made'
  | 'checkpoint.failed'
  | 'checkpoint.discarded'
  | 'cron.ran'
  | 'cron.failed'
  | 'memory.pressure'
  | 'instance.adopted'
  | 'leftover.removed'
  | 'host.adjusted'
  | 'network.created'
  | 'network.removed'
  | 'network.failed'
  | 'mail.sent'
  | 'mail.refused'
  | 'visitor.refused'
  | 'checker.failed'
  | 'container.created'
  | 'container.started'
  | 'container.ended'
  | 'container.removed'
  | 'container.adopted'
  | 'container.failed'
  | 'container.health'
  | 'image.refused'
  | 'image.warned'
  | 'project.created'
  | 'project.changed'
  | 'project.removed'
  | 'project.undone'
  | 'job.ran'
  | 'job.failed'
  | 'policy.failed'
  | 'hook.failed'
  | 'hook.vetoed'
  | 'hook.overruled';

export interface SubakoEvent {
  /** Rises with each event; there may be gaps. */
  readonly seq: number;
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly type: EventType;
  /** Domain of the site, where there is one. */
  readonly site?: string;
  readonly instance?: string;
  /** Why it happened: `request`, `idle`, `lifetime`, `command`, or a sentence. */
  readonly cause?: string;
  /** Numbers and facts, such as the named phases of a wake in milliseconds. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

export type NewEvent = Omit<SubakoEvent, 'seq' | 'at'>;

/** Takes an event, to be stored a moment later. Never throws, never waits. */
export type EventSink = (event: NewEvent) => void;
