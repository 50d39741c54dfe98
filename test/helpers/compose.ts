/** Compose files of a test, and the command line that reads them. */
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ContainerRow } from '../../src/api/container-types.ts';
import type { ProjectReply } from '../../src/api/project-types.ts';
import { execAny, start } from '../../src/lib/exec.ts';
import type { ExecResult } from '../../src/lib/exec.ts';
import type { TestPlatform } from './platform.ts';

const SUBAKO = fileURLToPath(new URL('../../subako', import.meta.url));

export class ComposeDir {
  readonly dir: string;
  readonly #platform: TestPlatform;

  constructor(platform: TestPlatform, name = 'project') {
    this.#platform = platform;
    this.dir = join(platform.dir, name);
  }

  /** YAML is a superset of JSON. */
  async write(file: object | string, name = 'compose.yaml'): Promise<void> {
    await mkdir(dirname(join(this.dir, name)), { recursive: true });
    await writeFile(join(this.dir, name), typeof file === 'string' ? file : JSON.stringify(file));
  }

  /** As somebody types it who stands beside the file. */
  cli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ExecResult> {
    return execAny([SUBAKO, ...args], { cwd: this.dir, env: { ...this.#environment(), ...env }, timeoutMs: 600_000 });
  }

  /** In the foreground, until it has said enough; then somebody types Ctrl-C. What it said. */
  async interrupted(args: readonly string[], isEnough: (said: string) => boolean): Promise<string> {
    const child = start([SUBAKO, ...args], { cwd: this.dir, env: this.#environment(), stdio: ['ignore', 'pipe', 'ignore'] });
    let said = '';
    child.stdout?.on('data', (part: Buffer) => {
      said += String(part);
      if (isEnough(said)) child.kill('SIGINT');
    });
    await once(child, 'exit');
    return said;
  }

  /** Writes it and brings it up. */
  async up(file: object, ...args: string[]): Promise<ExecResult> {
    await this.write(file);
    return this.cli(['compose', 'up', '--detach', ...args]);
  }

  project(name: string): Promise<ProjectReply> {
    return this.#platform.api.get(`/v1/projects/${name}`);
  }

  /** Of each container of the platform, by its name: its state. */
  async states(): Promise<Record<string, string>> {
    const rows = await this.#platform.api.get<ContainerRow[]>('/v1/containers?all=1');
    return Object.fromEntries(rows.map(({ container, state }) => [container, state]));
  }

  #environment(): Record<string, string> {
    return { ...(process.env as Record<string, string>), SUBAKO_STATE: this.#platform.state, SUBAKO_RUN: this.#platform.run };
  }
}
