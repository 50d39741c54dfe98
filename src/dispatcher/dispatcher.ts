/**
 * The dispatcher. The edge asks it “wake this host” when a site's socket is not there, and “may this visitor enter” before wp-admin of a site with
 * a checker, and waits for its yes. It is an oracle, not a proxy: of a visitor's request, only what a checker is told comes here.
 *
 *   GET /wake, X-Subako-Host: <host>, X-Subako-Role: public | admin
 *   204  awake: pass the request          Server-Timing: wake;desc="cold";dur=97.1, …one entry a phase
 *   403  not awake                        X-Subako-Status: 404 | 503, Retry-After: seconds
 *
 *   GET /enter, X-Subako-Host, -Origin, -Method, -Uri, -Address, and the visitor's Cookie and Authorization
 *   204  may enter
 *   403  may not                          X-Subako-Status: 401 | 403 | 503, X-Subako-Location: where to sign in
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { chmod, chown, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from '../lib/node-http.ts';
import type { Cmdb } from '../cmdb/cmdb.ts';
import { asSubakoError, SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import { canonicalHost } from '../domain/host-name.ts';
import { DEFAULT_ROLE, roleKey, ROLES } from '../domain/role.ts';
import type { Role } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';
import { DeadlineError, within } from '../lib/deadline.ts';
import type { Transition } from '../lifecycle/lifecycle.ts';
import type { Visit } from './checker.ts';
import { Doorkeeper } from './doorkeeper.ts';
import type { Answer, DoorkeeperOptions } from './doorkeeper.ts';
import { Refusals } from './refusals.ts';

export interface DispatcherOptions {
  readonly socket: string;
  /** Group of the edge, which may connect. */
  readonly edgeGid: number;
  readonly cmdb: Pick<Cmdb, 'siteByHost'>;
  readonly wake: (site: Site, role: Role, cause: string) => Promise<Transition>;
  /** How long one visitor waits, in milliseconds. */
  readonly deadlineMs: number;
  /** How many may wait for one role of a site. */
  readonly maxWaiters: number;
  readonly doorkeeper: DoorkeeperOptions;
  readonly emit: EventSink;
}

/** As much as the edge accepts from a visitor (large_client_header_buffers), and what it adds. */
const MAX_HEADER_BYTES = 80 * 1024;

const DEFAULT_RETRY_SECONDS = 5;

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #server: Server;
  readonly #doorkeeper: Doorkeeper;
  readonly #refusals: Refusals;
  readonly #waiters = new Map<string, number>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#doorkeeper = new Doorkeeper(options.doorkeeper);
    this.#refusals = new Refusals(options.emit);
    this.#server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
      void (request.url === '/enter' ? this.#enter(request, response) : this.#wake(request, response));
    });
  }

  /** Listens on its socket, replacing one that a killed daemon left. */
  async start(): Promise<void> {
    const { socket, edgeGid } = this.#options;
    await rm(socket, { force: true });
    this.#server.listen({ path: socket, backlog: 1024 });
    await once(this.#server, 'listening');
    await chown(socket, 0, edgeGid);
    await chmod(socket, 0o660);
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await rm(this.#options.socket, { force: true });
  }

  /** Requests that wait now. */
  get waiting(): number {
    return [...this.#waiters.values()].reduce((sum, count) => sum + count, 0);
  }

  async #wake(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    try {
      const site = await this.#siteOf(headerOf(request, 'x-subako-host'));
      const began = performance.now();
      const transition = await this.#admit(site, roleOf(request));
      response.writeHead(204, { 'server-timing': serverTiming(transition, performance.now() - began), 'x-subako-origin': originOf(transition) }).end();
    } catch (thrown) {
      const { status, retryAfter } = refusal(asSubakoError(thrown));
      response.writeHead(403, { 'x-subako-status': status, 'retry-after': String(retryAfter), 'content-length': 0 }).end();
    }
  }

  async #enter(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    const answer = await this.#siteOf(headerOf(request, 'x-subako-host'))
      .then((site) => this.#doorkeeper.answer(site, visitOf(request)))
      .catch((): Answer => ({ in: false, status: 503 }));
    if (answer.in) return void response.writeHead(204).end();
    const { status, location } = answer;
    const where = location === undefined ? {} : { 'x-subako-location': location };
    response.writeHead(403, { 'x-subako-status': status, 'content-length': 0, ...where }).end();
  }

  async #siteOf(host: string): Promise<Site> {
    const site = await this.#options.cmdb.siteByHost(canonicalHost(host));
    if (site?.phase === 'ready') return site;
    throw new SubakoError('unknown_host', 'there is no such site');
  }

  /** Awake. Whoever is turned away from a site that exists is told of. */
  async #admit(site: Site, role: Role): Promise<Transition> {
    try {
      return await this.#waitFor(site, role);
    } catch (error) {
      this.#refusals.note(site, role, asSubakoError(error));
      throw error;
    }
  }

  async #waitFor(site: Site, role: Role): Promise<Transition> {
    const { deadlineMs, maxWaiters, wake } = this.#options;
    const key = roleKey(site.id, role);
    const waiting = this.#waiters.get(key) ?? 0;
    if (waiting >= maxWaiters) throw new SubakoError('wake_overflow', 'too many requests wait for this site');
    this.#waiters.set(key, waiting + 1);
    try {
      return await within(deadlineMs, 'the wake', wake(site, role, 'request'));
    } catch (error) {
      throw error instanceof DeadlineError ? new SubakoError('wake_timeout', error.message, { cause: error }) : error;
    } finally {
      const left = (this.#waiters.get(key) ?? 1) - 1;
      if (left === 0) this.#waiters.delete(key);
      else this.#waiters.set(key, left);
    }
  }
}

function visitOf(request: IncomingMessage): Visit {
  const { cookie, authorization } = request.headers;
  const [method = '', origin = '', uri = '', address = ''] = ['method', 'origin', 'uri', 'address'].map((name) => headerOf(request, `x-subako-${name}`));
  return { method, origin, uri, address, cookie, authorization };
}

function headerOf({ headers }: IncomingMessage, name: string): string {
  return String(headers[name] ?? '');
}

function roleOf({ headers }: IncomingMessage): Role {
  return ROLES.find((role) => role === headers['x-subako-role']) ?? DEFAULT_ROLE;
}

/** The header that says how this visitor's wait was spent. One who came while the wake was under way waited less than the wake took. */
export function serverTiming(transition: Transition, waitedMs: number): string {
  const whole = `wake;desc="${transition.from}";dur=${waitedMs.toFixed(1)}`;
  const phases = Object.entries(transition.phases).map(([name, ms]) => `wake-${name};dur=${ms.toFixed(1)}`);
  return [whole, ...phases].join(', ');
}

/** Empty for one that was awake already. */
function originOf({ from, origin }: Transition): string {
  return from === 'running' ? '' : (origin ?? 'thaw');
}

function refusal(error: SubakoError): { status: 404 | 503; retryAfter: number } {
  if (error.code === 'unknown_host' || error.code === 'bad_domain') return { status: 404, retryAfter: DEFAULT_RETRY_SECONDS };
  const ms = Number(error.facts['retryAfterMs'] ?? DEFAULT_RETRY_SECONDS * 1000);
  return { status: 503, retryAfter: Math.max(1, Math.ceil(ms / 1000)) };
}
