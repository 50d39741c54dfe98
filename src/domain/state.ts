/**
 * The states of a site, and which may follow which. docs/states.md tells all of it.
 *
 *                      request                ready
 *   cold ───────────────────────► booting ─────────────► running ◄────────┐
 *    ▲      checkpointed ────────►   │                    │  │  idle       │ request
 *    │            ▲   │ not used     │ failed             │  └────────► frozen
 *    │            │   ▼              ▼                    │               │ idle for longer,
 *    ├────────────┼──────────────────┴────────────────────┤               │ lifetime, memory pressure
 *    └────────────┴───────────────────────────────────────┴───────────────┘
 */
export type State = RestingState | 'booting' | 'running';

/** States a person can ask for with `sleep --to`; the machine passes through the others by itself. */
export type RestingState = 'cold' | 'checkpointed' | 'frozen';
