/** Driver: the CMDB in one SQLite file. */
import type { DatabaseSync } from 'node:sqlite';
import { SubakoError } from '../../domain/errors.ts';
import type { Alias } from '../../domain/alias.ts';
import type { Certificate } from '../../domain/certificate.ts';
import type { Container, Volume } from '../../domain/container.ts';
import type { NewEvent, SubakoEvent } from '../../domain/events.ts';
import type { Instance } from '../../domain/instance.ts';
import type { Job, JobRun } from '../../domain/job.ts';
import type { NamedNetwork } from '../../domain/network.ts';
import type { Project } from '../../domain/project.ts';
import type { Role } from '../../domain/role.ts';
import type { Site } from '../../domain/site.ts';
import type { State } from '../../domain/state.ts';
import { FIRST_SITE_RANGE, LAST_SITE_RANGE } from '../../domain/uid-range.ts';
import type { Cmdb, CronRecord, EventQuery, NewContainer, NewSite, ServiceRecord, SiteChange, WakeStats } from '../cmdb.ts';
import { alreadyExists, takenNetwork } from './already-exists.ts';
import { openDatabase } from './open.ts';
import { Crons } from './crons.ts';
import { Events } from './events.ts';
import { Jobs } from './jobs.ts';
import { Wakes } from './wakes.ts';
import { Records } from './records.ts';
import { Statements } from './statements.ts';
import { aliasFromRow, columnsOf, instanceFromRow, siteFromRow } from './rows.ts';

export class SqliteCmdb implements Cmdb {
  readonly #db: DatabaseSync;
  readonly #sql: Statements;
  readonly #certificates: Records<Certificate>;
  readonly #services: Records<ServiceRecord>;
  readonly #volumes: Records<Volume>;
  readonly #networks: Records<NamedNetwork>;
  readonly #projects: Records<Project>;
  readonly #jobs: Jobs;
  readonly #crons: Crons;
  readonly #events: Events;
  readonly #wakes: Wakes;

  /** @throws SubakoError `state_damaged` */
  constructor(path: string) {
    this.#db = openDatabase(path);
    this.#sql = new Statements(this.#db);
    this.#jobs = new Jobs(this.#sql);
    this.#crons = new Crons(this.#sql);
    this.#events = new Events(this.#sql);
    this.#wakes = new Wakes(this.#sql);
    this.#certificates = new Records(this.#sql, 'certificates');
    this.#services = new Records(this.#sql, 'services');
    this.#volumes = new Records(this.#sql, 'volumes');
    this.#networks = new Records(this.#sql, 'networks');
    this.#projects = new Records(this.#sql, 'projects');
  }

  async insertSite(site: NewSite): Promise<Site> {
    return this.#durably(() => {
      this.#refuseTaken(site.domain);
      const uidRange = this.#freeRange();
      this.#sql.run(
        `INSERT INTO sites (id, domain, stack, phase, image, app, code, uid_range, node, settings, created_at)
         VALUES (:id, :domain, :stack, :phase, :image, :app, :code, :uidRange, :node, :settings, :createdAt)`,
        { ...site, uidRange, settings: JSON.stringify(site.settings), ...columnsOf(site) },
      );
      return { ...site, uidRange };
    });
  }

  async site(id: string): Promise<Site | undefined> {
    return siteFromRow(this.#sql.get('SELECT * FROM sites WHERE id = :id', { id }));
  }

  async siteByDomain(domain: string): Promise<Site | undefined> {
    return siteFromRow(this.#sql.get('SELECT * FROM sites WHERE domain = :domain', { domain }));
  }

  async siteByHost(host: string): Promise<Site | undefined> {
    return siteFromRow(
      this.#sql.get('SELECT * FROM sites WHERE domain = :host UNION ALL SELECT sites.* FROM aliases JOIN sites ON sites.id = site_id WHERE name = :host', {
        host,
      }),
    );
  }

  async sites(): Promise<Site[]> {
    return this.#sql.all('SELECT * FROM sites ORDER BY domain').map((row) => siteFromRow(row));
  }

  async updateSite(id: string, change: SiteChange): Promise<Site> {
    return this.#durably(() => {
      const site = siteFromRow(this.#sql.get('SELECT * FROM sites WHERE id = :id', { id }));
      if (site === undefined) throw new SubakoError('not_found', `there is no site ${id}`);
      const changed = { ...site, ...change };
      const { domain, phase, image, settings, ...made } = changed;
      const holder = this.#sql.get('SELECT phase FROM sites WHERE domain = :domain AND id <> :id', { domain, id });
      if (holder !== undefined) throw alreadyExists(domain, String(holder['phase']));
      if (this.#sql.get('SELECT name FROM aliases WHERE name = :domain', { domain }) !== undefined) throw alreadyExists(domain, 'ready');
      this.#sql.run('UPDATE sites SET domain = :domain, phase = :phase, image = :image, app = :app, code = :code, settings = :settings WHERE id = :id', {
        id,
        domain,
        phase,
        image,
        ...columnsOf(made),
        settings: JSON.stringify(settings),
      });
      return changed;
    });
  }

  async deleteSite(id: string): Promise<void> {
    this.#durably(() => this.#sql.run('DELETE FROM sites WHERE id = :id', { id }));
  }

  async addAlias({ redirect, ...alias }: Alias): Promise<void> {
    this.#durably(() => {
      this.#refuseTaken(alias.name, alias.siteId);
      this.#sql.run('INSERT OR REPLACE INTO aliases (name, site_id, redirect, created_at) VALUES (:name, :siteId, :redirect, :createdAt)', {
        ...alias,
        redirect: redirect ? 1 : 0,
      });
    });
  }

  async deleteAlias(name: string): Promise<void> {
    this.#durably(() => this.#sql.run('DELETE FROM aliases WHERE name = :name', { name }));
  }

  async aliases(): Promise<Alias[]> {
    return this.#sql.all('SELECT * FROM aliases ORDER BY name').map(aliasFromRow);
  }

  async putCertificate(certificate: Certificate): Promise<void> {
    this.#durably(() => this.#certificates.put(certificate));
  }

  async deleteCertificate(name: string): Promise<void> {
    this.#durably(() => this.#certificates.delete(name));
  }

  async certificates(): Promise<Certificate[]> {
    return this.#certificates.all();
  }

  async insertContainer(container: NewContainer): Promise<Container> {
    return this.#durably(() => {
      this.#refuseTakenContainer(container);
      const whole = { ...container, uidRange: this.#freeRange() };
      const { id, name, uidRange, createdAt } = whole;
      this.#sql.run('INSERT INTO containers (id, name, uid_range, created_at, record) VALUES (:id, :name, :uidRange, :createdAt, :record)', {
        id,
        name,
        uidRange,
        createdAt,
        record: JSON.stringify(whole),
      });
      return whole;
    });
  }

  async container(id: string): Promise<Container | undefined> {
    const row = this.#sql.get('SELECT record FROM containers WHERE id = :id', { id });
    return row === undefined ? undefined : (JSON.parse(String(row['record'])) as Container);
  }

  async containers(): Promise<Container[]> {
    return this.#sql.all('SELECT record FROM containers ORDER BY created_at, id').map((row) => JSON.parse(String(row['record'])) as Container);
  }

  async putContainer(container: Container): Promise<void> {
    const { id, name } = container;
    this.#refuseTakenContainer(container);
    this.#sql.run('UPDATE containers SET name = :name, record = :record WHERE id = :id', { id, name, record: JSON.stringify(container) });
  }

  async deleteContainer(id: string): Promise<void> {
    this.#durably(() => this.#sql.run('DELETE FROM containers WHERE id = :id', { id }));
  }

  async putVolume(volume: Volume): Promise<void> {
    this.#durably(() => this.#volumes.insert(volume));
  }

  async volumes(): Promise<Volume[]> {
    return this.#volumes.all();
  }

  async deleteVolume(name: string): Promise<void> {
    this.#durably(() => this.#volumes.delete(name));
  }

  async insertNetwork(network: NamedNetwork): Promise<void> {
    this.#durably(() => {
      if (!this.#networks.insert(network)) throw takenNetwork(network.name);
    });
  }

  async networks(): Promise<NamedNetwork[]> {
    return this.#networks.all();
  }

  async deleteNetwork(name: string): Promise<void> {
    this.#durably(() => this.#networks.delete(name));
  }

  async putProject(project: Project): Promise<void> {
    this.#durably(() => this.#projects.put(project));
  }

  async project(name: string): Promise<Project | undefined> {
    return this.#projects.get(name);
  }

  async projects(): Promise<Project[]> {
    return this.#projects.all();
  }

  async deleteProject(name: string): Promise<void> {
    this.#durably(() => this.#projects.delete(name));
  }

  async putInstance(instance: Instance): Promise<void> {
    const { process, ...rest } = instance;
    this.#sql.run(
      `INSERT OR REPLACE INTO instances (id, site_id, role, node, state, image, code_version, pid, start_time, since, booted_at)
       VALUES (:id, :siteId, :role, :node, :state, :image, :codeVersion, :pid, :startTime, :since, :bootedAt)`,
      { ...rest, codeVersion: rest.codeVersion ?? null, pid: process?.pid ?? null, startTime: process?.startTime ?? null },
    );
  }

  async deleteInstance(id: string): Promise<void> {
    this.#sql.run('DELETE FROM instances WHERE id = :id', { id });
  }

  async instances(): Promise<Instance[]> {
    return this.#sql.all('SELECT * FROM instances ORDER BY id').map(instanceFromRow);
  }

  async countWake(siteId: string, role: Role, wake: { from: State; ms: number; at: number }): Promise<void> {
    this.#wakes.count(siteId, role, wake);
  }

  async wakeStats(): Promise<ReadonlyMap<string, WakeStats>> {
    return this.#wakes.stats();
  }

  async putCron(cron: CronRecord): Promise<void> {
    this.#crons.put(cron);
  }

  async cron(siteId: string): Promise<CronRecord | undefined> {
    return this.#crons.get(siteId);
  }

  async dueCrons(now: number, limit: number): Promise<CronRecord[]> {
    return this.#crons.due(now, limit);
  }

  async putJob(job: Job): Promise<void> {
    this.#durably(() => this.#jobs.put(job));
  }

  async job(id: string): Promise<Job | undefined> {
    return this.#jobs.get(id);
  }

  async jobs(siteId?: string): Promise<Job[]> {
    return this.#jobs.all(siteId);
  }

  async dueJobs(now: number, limit: number): Promise<Job[]> {
    return this.#jobs.due(now, limit);
  }

  async deleteJob(id: string): Promise<void> {
    this.#durably(() => this.#jobs.delete(id));
  }

  async putRun(run: JobRun): Promise<void> {
    this.#jobs.putRun(run);
  }

  async runs(jobId: string): Promise<JobRun[]> {
    return this.#jobs.runs(jobId);
  }

  async openRuns(): Promise<JobRun[]> {
    return this.#jobs.openRuns();
  }

  async putService(service: ServiceRecord): Promise<void> {
    this.#services.put(service);
  }

  async deleteService(name: string): Promise<void> {
    this.#services.delete(name);
  }

  async services(): Promise<ServiceRecord[]> {
    return this.#services.all();
  }

  async appendEvent(event: NewEvent, at: number): Promise<SubakoEvent> {
    return this.#events.append(event, at);
  }

  async events(query: EventQuery): Promise<SubakoEvent[]> {
    return this.#events.newest(query);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sql.clear();
    this.#db.close();
  }

  /** One transaction that is on disk, not only with the kernel, when it returns. */
  #durably<T>(work: () => T): T {
    this.#db.exec('PRAGMA synchronous = FULL; BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      // SQLite has done it by itself when the disk is full.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    } finally {
      this.#db.exec('PRAGMA synchronous = NORMAL');
    }
  }

  /** @throws SubakoError `already_exists`, unless it is an alias of this very site */
  #refuseTaken(name: string, siteId = ''): void {
    const site = this.#sql.get('SELECT phase FROM sites WHERE domain = :name', { name });
    if (site !== undefined) throw alreadyExists(name, String(site['phase']));
    const alias = this.#sql.get('SELECT domain FROM aliases JOIN sites ON sites.id = site_id WHERE name = :name AND site_id <> :siteId', { name, siteId });
    if (alias === undefined) return;
    const domain = String(alias['domain']);
    throw new SubakoError('already_exists', `${name} is a name of the site ${domain}`, {
      hint: `choose another name, or take it away first: subako domain rm ${name}`,
      facts: { name, domain },
    });
  }

  #refuseTakenContainer({ id, name }: Pick<Container, 'id' | 'name'>): void {
    if (this.#sql.get('SELECT id FROM containers WHERE name = :name AND id <> :id', { id, name }) === undefined) return;
    throw new SubakoError('already_exists', `there is a container ${name} already`, { hint: `choose another --name, or remove it: subako rm ${name}` });
  }

  #freeRange(): number {
    const row = this.#sql.get(
      `SELECT MIN(candidate) AS free FROM (
         SELECT :first AS candidate
         UNION ALL SELECT uid_range + 1 FROM sites WHERE uid_range >= :first
         UNION ALL SELECT uid_range + 1 FROM containers WHERE uid_range >= :first)
       WHERE candidate NOT IN (SELECT uid_range FROM sites UNION ALL SELECT uid_range FROM containers)`,
      { first: FIRST_SITE_RANGE },
    );
    const free = Number(row?.['free']);
    if (free <= LAST_SITE_RANGE) return free;
    throw new SubakoError('conflict', 'every uid range is taken', { hint: 'remove sites that are not needed' });
  }
}
