/** How often sites woke, as rows. What each does, says the port. */
import { roleKey } from '../../domain/role.ts';
import type { Role } from '../../domain/role.ts';
import type { State } from '../../domain/state.ts';
import type { WakeStats } from '../cmdb.ts';
import type { Statements } from './statements.ts';

export class Wakes {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  count(siteId: string, role: Role, wake: { readonly from: State; readonly ms: number; readonly at: number }): void {
    this.#sql.run(
      `INSERT INTO wakes_of_roles (site_id, role, wakes, last) VALUES (:siteId, :role, 1, :last)
       ON CONFLICT (site_id, role) DO UPDATE SET wakes = wakes + 1, last = excluded.last`,
      { siteId, role, last: JSON.stringify(wake) },
    );
  }

  stats(): ReadonlyMap<string, WakeStats> {
    const rows = this.#sql.all('SELECT * FROM wakes_of_roles');
    return new Map(
      rows.map((row) => [roleKey(String(row['site_id']), row['role'] as Role), { wakes: Number(row['wakes']), lastWake: JSON.parse(String(row['last'])) }]),
    );
  }
}
