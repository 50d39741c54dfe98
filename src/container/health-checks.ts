/** Health checks: a command inside a container, time after time. */
import type { Container, HealthCheck } from '../domain/container.ts';
import type { EventSink } from '../domain/events.ts';
import type { Runtime } from '../runtime/runtime.ts';

export interface Health {
  readonly status: 'starting' | 'healthy' | 'unhealthy';
  /** In a row. */
  readonly failures: number;
  /** The end of what the last check said. */
  readonly said: string;
}

interface Patient {
  health: Health;
  /** Of the run that it speaks of. */
  readonly startedAt: number;
  nextAt: number;
  isChecking: boolean;
}

export interface HealthChecksDeps {
  readonly runtime: Pick<Runtime, 'exec'>;
  readonly emit: EventSink;
  readonly now: () => number;
}

const SAID_LENGTH = 500;

/** Until the next check: shorter while it starts, where that was asked for. */
function pauseOf(
  { startedAt = 0 }: Pick<Container, 'startedAt'>,
  { intervalMs, startPeriodMs, startIntervalMs = intervalMs }: HealthCheck,
  { health, now }: { health: Health; now: number },
): number {
  return health.status === 'starting' && now - startedAt < startPeriodMs ? startIntervalMs : intervalMs;
}

export class HealthChecks {
  readonly #deps: HealthChecksDeps;
  readonly #patients = new Map<string, Patient>();

  constructor(deps: HealthChecksDeps) {
    this.#deps = deps;
  }

  /** Undefined for one that has no check, or does not run. */
  of(id: string): Health | undefined {
    return this.#patients.get(id)?.health;
  }

  /** Begins the checks that are due, and forgets those that do not run any more. Does not wait for them. */
  look(running: readonly Container[]): void {
    const ids = new Set(running.map(({ id }) => id));
    for (const id of this.#patients.keys()) if (!ids.has(id)) this.#patients.delete(id);
    for (const container of running) if (container.spec.health !== undefined && container.state === 'running') this.#lookAt(container, container.spec.health);
  }

  /** For somebody who waits for it to be well: asks at once. That it is not yet says nothing; that is what its own times are for. */
  async isWell(container: Container): Promise<boolean> {
    const { health: check } = container.spec;
    if (check === undefined || container.state !== 'running') return false;
    const patient = this.#patientOf(container, check);
    if (patient.health.status === 'healthy') return true;
    const { isWell, said } = await this.#ask(container.id, check);
    if (isWell) this.#now(container, patient, { status: 'healthy', failures: 0, said });
    else patient.health = { ...patient.health, said };
    return isWell;
  }

  #lookAt(container: Container, check: HealthCheck): void {
    const patient = this.#patientOf(container, check);
    if (patient.isChecking || patient.nextAt > this.#deps.now()) return;
    patient.isChecking = true;
    void this.#check(container, check, patient).finally(() => {
      patient.isChecking = false;
      patient.nextAt = this.#deps.now() + pauseOf(container, check, { health: patient.health, now: this.#deps.now() });
    });
  }

  /** A container that was started anew begins anew. */
  #patientOf(container: Container, check: HealthCheck): Patient {
    const { id, startedAt = 0 } = container;
    const known = this.#patients.get(id);
    if (known?.startedAt === startedAt) return known;
    const health: Health = { status: 'starting', failures: 0, said: '' };
    const patient: Patient = { health, startedAt, nextAt: startedAt + pauseOf(container, check, { health, now: startedAt }), isChecking: false };
    this.#patients.set(id, patient);
    return patient;
  }

  async #check({ id, name, startedAt = 0 }: Container, check: HealthCheck, patient: Patient): Promise<void> {
    const { isWell, said } = await this.#ask(id, check);
    const isYoung = this.#deps.now() - startedAt < check.startPeriodMs;
    const failures = isWell || (isYoung && patient.health.status === 'starting') ? 0 : patient.health.failures + 1;
    const status = isWell ? 'healthy' : failures >= check.retries ? 'unhealthy' : patient.health.status;
    this.#now({ id, name }, patient, { status, failures, said });
  }

  async #ask(id: string, { argv, timeoutMs }: HealthCheck): Promise<{ isWell: boolean; said: string }> {
    const result = await this.#deps.runtime.exec(id, argv, { timeoutMs }).catch(() => undefined);
    const said = result === undefined ? '' : result.timedOut ? `no answer within ${timeoutMs} ms` : `${result.stdout}${result.stderr}`.trim();
    return { isWell: result?.code === 0, said: said.slice(-SAID_LENGTH) };
  }
  #now({ id, name }: Pick<Container, 'id' | 'name'>, patient: Patient, health: Health): void {
    const { status } = health;
    if (status !== patient.health.status) this.#deps.emit({ type: 'container.health', instance: id, cause: status, facts: { container: name } });
    patient.health = health;
  }
}
