/** What every CMDB driver must do. */
import { describe, expect, it } from 'vitest';
import type { Container } from '../domain/container.ts';
import { MAX_RUNS } from '../domain/job.ts';
import type { Job } from '../domain/job.ts';
import type { Project } from '../domain/project.ts';
import { roleKey } from '../domain/role.ts';
import type { Instance } from '../domain/instance.ts';
import { FIRST_SITE_RANGE } from '../domain/uid-range.ts';
import type { Cmdb, NewSite } from './cmdb.ts';

const settings = {
  freezeAfterMs: 5,
  idleTimeoutMs: 1,
  coldAfterMs: 6,
  checkpoint: 'auto',
  keepAwake: false,
  maxInstances: 7,
  egress: true,
  smtp: false,
  lifetimeMs: 2,
  bootMs: 10,
  memoryBytes: 3,
  adminMemoryBytes: 8,
  mode: 'strict',
  adminFrom: 'any',
  adminPassword: 'mia:{SSHA}abc',
  adminAuth: '',
  adminSignIn: '',
  xmlrpc: false,
  cacheMs: 9,
  cacheVary: 'device',
  cpus: 0.5,
  pids: 4,
  https: 'both',
  hstsMs: 0,
  cronEveryMs: 8,
  php: { memory_limit: '64M' },
  hooks: { ready: '/bin/true' },
  runtime: 'runsc',
} as const;

function newSite(id: string, domain = `${id}.example`): NewSite {
  return { id, domain, stack: 'wordpress', phase: 'creating', image: 'sha256:1', node: 'local', settings, createdAt: 1 };
}

function instanceOf(siteId: string, id = `${siteId}-public-1`): Instance {
  return { id, siteId, role: 'public', node: 'local', state: 'running', image: 'sha256:1', process: { pid: 7, startTime: '99' }, since: 1, bootedAt: 1 };
}

function newContainer(id: string, name = id): Omit<Container, 'uidRange'> {
  return {
    id,
    name,
    image: { id: 'sha256:1', ref: 'app' },
    spec: {
      args: ['true'],
      env: ['A=b'],
      cwd: '/',
      user: '',
      hostname: 'h',
      terminal: false,
      interactive: false,
      readOnly: false,
      tmpfs: [],
      volumes: [],
      ports: [],
      network: 'none',
      restart: { when: 'no' },
      remove: false,
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 1,
      labels: {},
    },
    state: 'created',
    wasOutOfMemory: false,
    endedByHand: false,
    restarts: 0,
    createdAt: 1,
  };
}

export function cmdbSuite(name: string, open: () => Promise<Cmdb>): void {
  describe(`${name} as a CMDB`, () => {
    it('keeps a site as it was given, with a uid range of its own', async () => {
      await using cmdb = await open();
      const a = await cmdb.insertSite(newSite('a'));
      const b = await cmdb.insertSite(newSite('b'));
      expect(a).toEqual({ ...newSite('a'), uidRange: FIRST_SITE_RANGE });
      expect(b.uidRange).toBe(FIRST_SITE_RANGE + 1);
      expect(await cmdb.site('a')).toEqual(a);
      expect(await cmdb.siteByDomain('b.example')).toEqual(b);
      expect(await cmdb.sites()).toEqual([a, b]);
    });

    it('keeps what a site is made of whose image is its owner’s, and changes it', async () => {
      await using cmdb = await open();
      const app = {
        imageName: 'shop:1',
        listens: { port: 80 },
        env: { KEY: 'a\nb' },
        volumes: [{ name: 'data', path: '/data' }],
        healthPath: '/up',
        user: { uid: 1, gid: 2, groups: [3] },
      };
      await cmdb.insertSite({ ...newSite('a'), app });
      expect((await cmdb.site('a'))?.app).toEqual(app);
      const changed = { ...app, imageName: 'shop:2' };
      await cmdb.updateSite('a', { app: changed, image: 'sha256:2' });
      await cmdb.updateSite('a', { phase: 'ready' });
      expect(await cmdb.site('a')).toMatchObject({ app: changed, image: 'sha256:2' });
    });

    it('keeps containers, with a uid range that no site and no other container has', async () => {
      await using cmdb = await open();
      const site = await cmdb.insertSite(newSite('a'));
      const one = await cmdb.insertContainer(newContainer('one'));
      const other = await cmdb.insertSite(newSite('b'));
      expect([site, one, other].map(({ uidRange }) => uidRange)).toEqual([FIRST_SITE_RANGE, FIRST_SITE_RANGE + 1, FIRST_SITE_RANGE + 2]);
      expect(await cmdb.container('one')).toEqual(one);
      await cmdb.putContainer({ ...one, state: 'running', process: { pid: 5, startTime: '6' } });
      expect(await cmdb.containers()).toMatchObject([{ id: 'one', state: 'running', process: { pid: 5 } }]);
      await cmdb.deleteContainer('one');
      await cmdb.deleteContainer('one');
      await cmdb.putContainer(one);
      expect(await cmdb.containers()).toEqual([]);
      expect((await cmdb.insertContainer(newContainer('two'))).uidRange).toBe(one.uidRange);
    });

    it('lets one container have a name', async () => {
      await using cmdb = await open();
      await cmdb.insertContainer(newContainer('one', 'web'));
      const two = await cmdb.insertContainer(newContainer('two'));
      await expect(cmdb.insertContainer(newContainer('three', 'web'))).rejects.toMatchObject({ code: 'already_exists' });
      await expect(cmdb.putContainer({ ...two, name: 'web' })).rejects.toMatchObject({ code: 'already_exists' });
    });

    it('keeps networks, one of a name', async () => {
      await using cmdb = await open();
      const network = { id: 'abcdef012345', name: 'shop', subnet: '10.208.0.0/24', internal: false, labels: {}, createdAt: 1 };
      await cmdb.insertNetwork(network);
      await expect(cmdb.insertNetwork({ ...network, id: 'bbcdef012345' })).rejects.toMatchObject({ code: 'already_exists' });
      expect(await cmdb.networks()).toEqual([network]);
      await cmdb.deleteNetwork('shop');
      await cmdb.deleteNetwork('shop');
      expect(await cmdb.networks()).toEqual([]);
    });

    it('keeps volumes', async () => {
      await using cmdb = await open();
      await cmdb.putVolume({ name: 'data', anonymous: false, createdAt: 1 });
      await cmdb.putVolume({ name: 'data', anonymous: true, createdAt: 2 });
      expect(await cmdb.volumes()).toEqual([{ name: 'data', anonymous: false, createdAt: 1 }]);
      await cmdb.deleteVolume('data');
      await cmdb.deleteVolume('data');
      expect(await cmdb.volumes()).toEqual([]);
    });

    it('lets one site have a domain, in whatever phase it is', async () => {
      await using cmdb = await open();
      await cmdb.insertSite(newSite('a', 'same.example'));
      await expect(cmdb.insertSite(newSite('b', 'same.example'))).rejects.toMatchObject({ code: 'already_exists' });
      expect(await cmdb.sites()).toHaveLength(1);
    });

    it('gives a uid range again only when its site is gone', async () => {
      await using cmdb = await open();
      await cmdb.insertSite(newSite('a'));
      await cmdb.insertSite(newSite('b'));
      await cmdb.deleteSite('a');
      await cmdb.deleteSite('a');
      expect((await cmdb.insertSite(newSite('c'))).uidRange).toBe(FIRST_SITE_RANGE);
    });

    it('changes only what it is told to', async () => {
      await using cmdb = await open();
      const before = await cmdb.insertSite(newSite('a'));
      expect(await cmdb.updateSite('a', { phase: 'ready' })).toEqual({ ...before, phase: 'ready' });
      await expect(cmdb.updateSite('none', { phase: 'ready' })).rejects.toMatchObject({ code: 'not_found' });
    });

    it('keeps aliases, finds their site, and drops them with it', async () => {
      await using cmdb = await open();
      const a = await cmdb.insertSite(newSite('a'));
      await cmdb.insertSite(newSite('b'));
      const alias = { name: 'www.a.example', siteId: 'a', redirect: true, createdAt: 5 };
      await cmdb.addAlias(alias);
      expect(await cmdb.aliases()).toEqual([alias]);
      expect(await cmdb.siteByHost('www.a.example')).toEqual(a);
      expect(await cmdb.siteByHost('a.example')).toEqual(a);
      expect(await cmdb.siteByHost('other.example')).toBeUndefined();
      expect(await cmdb.siteByDomain('www.a.example')).toBeUndefined();
      await cmdb.deleteSite('a');
      expect(await cmdb.aliases()).toEqual([]);
      expect(await cmdb.siteByHost('www.a.example')).toBeUndefined();
    });

    it('lets one site have a name, be it its domain or an alias', async () => {
      await using cmdb = await open();
      await cmdb.insertSite(newSite('a'));
      await cmdb.insertSite(newSite('b'));
      const alias = { name: 'c.example', siteId: 'a', redirect: false, createdAt: 5 };
      await cmdb.addAlias(alias);
      await cmdb.addAlias({ ...alias, redirect: true });
      expect(await cmdb.aliases()).toEqual([{ ...alias, redirect: true }]);
      for (const name of ['a.example', 'b.example', 'c.example']) {
        await expect(cmdb.addAlias({ ...alias, siteId: 'b', name })).rejects.toMatchObject({ code: 'already_exists' });
      }
      await expect(cmdb.insertSite(newSite('c'))).rejects.toMatchObject({ code: 'already_exists', message: expect.stringContaining('a.example') });
      await cmdb.deleteAlias('c.example');
      await cmdb.deleteAlias('c.example');
      expect((await cmdb.insertSite(newSite('c'))).domain).toBe('c.example');
    });

    it('keeps what is known of certificates', async () => {
      await using cmdb = await open();
      const inUse = { issuer: 'Subako', serial: '01', since: 1, until: 2 };
      await cmdb.putCertificate({ name: 'a.example', source: 'acme', failures: 2, lastError: 'no', retryAt: 9 });
      const certificate = { name: 'a.example', source: 'acme', failures: 0, inUse } as const;
      await cmdb.putCertificate(certificate);
      expect(await cmdb.certificates()).toEqual([certificate]);
      await cmdb.deleteCertificate('a.example');
      await cmdb.deleteCertificate('a.example');
      expect(await cmdb.certificates()).toEqual([]);
    });

    it('keeps instances, and drops them with their site', async () => {
      await using cmdb = await open();
      await cmdb.insertSite(newSite('a'));
      const { process: _process, ...booting } = instanceOf('a');
      await cmdb.putInstance({ ...booting, state: 'booting' });
      expect(await cmdb.instances()).toEqual([{ ...booting, state: 'booting' }]);
      await cmdb.putInstance(instanceOf('a'));
      expect(await cmdb.instances()).toEqual([instanceOf('a')]);
      await cmdb.deleteSite('a');
      expect(await cmdb.instances()).toEqual([]);
    });

    it('counts the wakes of each role and remembers the last', async () => {
      await using cmdb = await open();
      await cmdb.insertSite(newSite('a'));
      await cmdb.countWake('a', 'public', { from: 'cold', ms: 100, at: 1 });
      await cmdb.countWake('a', 'admin', { from: 'cold', ms: 300, at: 1 });
      await cmdb.countWake('a', 'public', { from: 'cold', ms: 90.5, at: 2 });
      const stats = await cmdb.wakeStats();
      expect(stats.get(roleKey('a', 'public'))).toEqual({ wakes: 2, lastWake: { from: 'cold', ms: 90.5, at: 2 } });
      expect(stats.get(roleKey('a', 'admin'))?.wakes).toBe(1);
    });

    it('gives a site another domain, unless it is taken', async () => {
      await using cmdb = await open();
      await cmdb.insertSite(newSite('a', 'a.example'));
      await cmdb.insertSite(newSite('b', 'b.example'));
      await cmdb.addAlias({ name: 'd.example', siteId: 'b', redirect: false, createdAt: 1 });
      for (const domain of ['b.example', 'd.example']) await expect(cmdb.updateSite('a', { domain })).rejects.toMatchObject({ code: 'already_exists' });
      expect(await cmdb.updateSite('a', { domain: 'c.example' })).toMatchObject({ id: 'a', domain: 'c.example' });
      expect(await cmdb.siteByDomain('a.example')).toBeUndefined();
      expect(await cmdb.siteByDomain('c.example')).toMatchObject({ id: 'a' });
    });

    it('knows which timed work is due, and forgets it with its site', async () => {
      await using cmdb = await open();
      for (const id of ['a', 'b', 'c']) await cmdb.insertSite(newSite(id));
      await cmdb.putCron({ siteId: 'a', dueAt: 20, ranAt: 1 });
      await cmdb.putCron({ siteId: 'b', dueAt: 10, ranAt: 0 });
      await cmdb.putCron({ siteId: 'c', dueAt: null, ranAt: 0 });
      await cmdb.putCron({ siteId: 'none', dueAt: 1, ranAt: 0 });
      expect(await cmdb.dueCrons(9, 5)).toEqual([]);
      expect((await cmdb.dueCrons(20, 5)).map(({ siteId }) => siteId)).toEqual(['b', 'a']);
      expect((await cmdb.dueCrons(20, 1)).map(({ siteId }) => siteId)).toEqual(['b']);
      await cmdb.putCron({ siteId: 'b', dueAt: 30, ranAt: 9 });
      expect(await cmdb.cron('b')).toEqual({ siteId: 'b', dueAt: 30, ranAt: 9 });
      await cmdb.deleteSite('a');
      expect(await cmdb.cron('a')).toBeUndefined();
    });

    it('knows which jobs are due, keeps their newest runs, and forgets them with their site', async () => {
      await using cmdb = await open();
      for (const id of ['a', 'b']) await cmdb.insertSite(newSite(id));
      const job: Job = {
        id: 'j1',
        siteId: 'a',
        kind: 'every',
        command: ['true', 'two words'],
        role: 'admin',
        everyMs: 5,
        retries: 1,
        deadlineMs: 0,
        createdAt: 1,
        dueAt: 20,
        failures: 0,
      };
      await cmdb.putJob(job);
      await cmdb.putJob({ ...job, id: 'j2', siteId: 'b', createdAt: 2, dueAt: 10 });
      await cmdb.putJob({ ...job, id: 'j3', dueAt: null, createdAt: 3 });
      await cmdb.putJob({ ...job, id: 'j4', siteId: 'none' });
      expect((await cmdb.jobs()).map(({ id }) => id)).toEqual(['j1', 'j2', 'j3']);
      expect(await cmdb.jobs('b')).toEqual([{ ...job, id: 'j2', siteId: 'b', createdAt: 2, dueAt: 10 }]);
      expect((await cmdb.dueJobs(20, 5)).map(({ id }) => id)).toEqual(['j2', 'j1']);
      expect(await cmdb.dueJobs(9, 5)).toEqual([]);
      await cmdb.putJob({ ...job, dueAt: 30, failures: 2 });
      expect(await cmdb.job('j1')).toEqual({ ...job, dueAt: 30, failures: 2 });
      for (let n = 0; n < MAX_RUNS + 2; n += 1) await cmdb.putRun({ id: `r${n}`, jobId: 'j1', startedAt: n, endedAt: n + 1, outcome: 'done', code: 0 });
      await cmdb.putRun({ id: 'open', jobId: 'j1', startedAt: 99 });
      await cmdb.putRun({ id: 'stray', jobId: 'none', startedAt: 99 });
      expect((await cmdb.runs('j1')).map(({ id }) => id).slice(0, 2)).toEqual(['open', `r${MAX_RUNS + 1}`]);
      expect(await cmdb.runs('j1')).toHaveLength(MAX_RUNS);
      expect(await cmdb.openRuns()).toEqual([{ id: 'open', jobId: 'j1', startedAt: 99 }]);
      await cmdb.putRun({ id: 'open', jobId: 'j1', startedAt: 99, endedAt: 100, outcome: 'lost' });
      expect(await cmdb.openRuns()).toEqual([]);
      await cmdb.deleteJob('j2');
      await cmdb.deleteJob('j2');
      await cmdb.deleteSite('a');
      expect([await cmdb.jobs(), await cmdb.runs('j1'), await cmdb.job('j1')]).toEqual([[], [], undefined]);
    });

    it('keeps projects', async () => {
      await using cmdb = await open();
      const project: Project = { name: 'shop', phase: 'ready', model: { services: [], networks: [], volumes: [] }, createdAt: 1 };
      await cmdb.putProject({ ...project, phase: 'changing' });
      await cmdb.putProject(project);
      await cmdb.putProject({ ...project, name: 'blog', siteId: 's' });
      expect((await cmdb.projects()).map(({ name }) => name)).toEqual(['blog', 'shop']);
      expect(await cmdb.project('shop')).toEqual(project);
      await cmdb.deleteProject('shop');
      await cmdb.deleteProject('shop');
      expect(await cmdb.project('shop')).toBeUndefined();
    });

    it('keeps services', async () => {
      await using cmdb = await open();
      const service = { name: 'edge', containerId: 'service-edge', process: { pid: 1, startTime: '2' }, specHash: 'x' };
      await cmdb.putService({ ...service, specHash: 'older' });
      await cmdb.putService(service);
      expect(await cmdb.services()).toEqual([service]);
      await cmdb.deleteService('edge');
      expect(await cmdb.services()).toEqual([]);
    });

    it('gives the newest events, oldest first, of one site or of all', async () => {
      await using cmdb = await open();
      for (const [index, site] of ['a', 'b', 'a', 'a'].entries()) await cmdb.appendEvent({ type: 'instance.woken', site, cause: 'request' }, index);
      const all = await cmdb.events({ limit: 10 });
      expect(all.map((event) => event.at)).toEqual([0, 1, 2, 3]);
      expect((await cmdb.events({ limit: 2, site: 'a' })).map((event) => event.at)).toEqual([2, 3]);
      expect((await cmdb.events({ limit: 10, after: all[1]?.seq ?? 0 })).map((event) => event.at)).toEqual([2, 3]);
    });
  });
}
