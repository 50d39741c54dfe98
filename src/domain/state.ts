/**
 * The states of an instance, and which may follow which.
 *
 *            wake                    ready
 *   cold ─────────► booting ───────────────────► running
 *    ▲                 │ failed                    │ idle, lifetime, command, death
 *    └─────────────────┴───────────────────────────┘
 *
 * `frozen` and `checkpointed` are the rungs between `running` and `cold`.
 */
export type State = RestingState | 'booting' | 'running';

/** States a person can ask for with `sleep --to`; the machine passes through the others by itself. */
export type RestingState = 'cold' | 'checkpointed' | 'frozen';
