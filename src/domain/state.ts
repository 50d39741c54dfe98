/**
 * The states of a site, and which may follow which. docs/states.md describes each move.
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

/** States that a person can ask for with `sleep --to`; a site passes through the others by itself. */
export type RestingState = 'cold' | 'checkpointed' | 'frozen';

/** How far down the ladder a state is: the deeper, the longer the way up. */
export const DEPTH: Readonly<Record<State, number>> = { running: 0, booting: 0, frozen: 1, checkpointed: 2, cold: 3 };
