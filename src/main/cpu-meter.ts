/** CPU time that only grows, as percent of a core since the last look. */
export class CpuMeter {
  readonly #last = new Map<string, { cpuMs: number; at: number }>();

  /** 0 at the first look. */
  percent(id: string, cpuMs: number): number {
    const at = performance.now();
    const before = this.#last.get(id);
    this.#last.set(id, { cpuMs, at });
    if (before === undefined || at <= before.at) return 0;
    return Math.max(0, Math.round(((cpuMs - before.cpuMs) / (at - before.at)) * 1000) / 10);
  }

  /** Forgets what is no longer there. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.#last.keys()) if (!ids.has(id)) this.#last.delete(id);
  }
}
