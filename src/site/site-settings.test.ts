import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { changeSettings, describeSettings, refuseForeignSettings, SITE_SETTINGS } from './site-settings.ts';

const BEFORE = {
  runtime: 'crun',
  freezeAfterMs: 60_000,
  coldAfterMs: 0,
  checkpoint: 'auto',
  keepAwake: false,
  maxInstances: 4,
  idleTimeoutMs: 900_000,
  lifetimeMs: 86_400_000,
  memoryBytes: 402_653_184,
  adminMemoryBytes: 536_870_912,
  mode: 'strict',
  adminFrom: 'any',
  adminPassword: '',
  adminAuth: '',
  adminSignIn: '',
  xmlrpc: false,
  cacheMs: 3_600_000,
  cacheVary: 'nothing',
  cpus: 2,
  pids: 64,
  https: 'both',
  hstsMs: 0,
  cronEveryMs: 900_000,
  php: {},
  hooks: {},
  egress: false,
  smtp: false,
  bootMs: 0,
} as const;

describe('settings of a site', () => {
  it('are changed by assignments', () => {
    expect(changeSettings(BEFORE, ['idle=5m', 'memory=1g', 'cpus=0.5'])).toEqual({ ...BEFORE, idleTimeoutMs: 300_000, memoryBytes: 1_073_741_824, cpus: 0.5 });
    expect(changeSettings(BEFORE, ['idle=never'])).toEqual({ ...BEFORE, idleTimeoutMs: 0 });
    expect(changeSettings(BEFORE, ['https=redirect', 'hsts=2y'])).toEqual({ ...BEFORE, https: 'redirect', hstsMs: 63_072_000_000 });
    expect(changeSettings(BEFORE, ['hsts=off', 'hsts=5m'])).toEqual({ ...BEFORE, hstsMs: 300_000 });
    expect(changeSettings(BEFORE, ['freeze=never', 'cold=2d', 'checkpoint=always', 'awake=yes', 'instances=8'])).toEqual({
      ...BEFORE,
      freezeAfterMs: 0,
      coldAfterMs: 172_800_000,
      checkpoint: 'always',
      keepAwake: true,
      maxInstances: 8,
    });
  });

  it.each(
    `idle idle= idle=soon idle=1ms freeze=1ms cold=-1d checkpoint=perhaps awake=true awake= instances=0 instances=9 instances=1.5 memory=1k memory=-5m
    cpus=0 cpus=x pids=1.5 pids=0 https=yes hsts=soon hsts=-1y cron=soon cron=1ms cron= php. php.memory_limit php.memory_limit=1G php.nothing=1 colour=red = __proto__=1`.split(
      /\s+/u,
    ),
  )('refuses %s', (assignment) => {
    expect(() => changeSettings(BEFORE, ['idle=5m', assignment])).toThrow(expect.objectContaining({ code: 'bad_setting' }));
  });

  it('are each explained in docs/operations.md', () => {
    const docs = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    for (const { key, example } of SITE_SETTINGS) expect(docs).toContain(`| \`${key}\` | \`${key}=${example}\` |`);
  });

  it('are shown in the form they are written in', () => {
    expect(describeSettings(BEFORE)).toEqual({
      runtime: 'crun',
      freeze: '1m',
      idle: '15m',
      cold: 'never',
      checkpoint: 'auto',
      awake: 'no',
      boot: 'default',
      lifetime: '1d',
      instances: '4',
      // not in records older than the setting
      cache: '1h',
      'cache.vary': 'nothing',
      memory: '384 MiB',
      'admin.memory': '512 MiB',
      'admin.from': 'any',
      'admin.password': 'none',
      'admin.auth': 'off',
      'admin.signin': 'off',
      xmlrpc: 'no',
      mode: 'strict',
      cpus: '2',
      egress: 'no',
      smtp: 'no',
      pids: '64',
      https: 'both',
      hsts: 'off',
      cron: '15m',
    });
    expect(describeSettings({ ...BEFORE, cronEveryMs: 0, php: { memory_limit: '64M' } })).toMatchObject({ cron: 'off', 'php.memory_limit': '64M' });
  });

  it('leave out what is of WordPress alone, for other sites, which cannot be set there either', () => {
    const app = { domain: 'shop.example', stack: 'app' };
    expect(Object.keys(describeSettings(BEFORE, app)).filter((key) => /^(?:admin|php|mode|xmlrpc|cache|cron)/u.test(key))).toEqual([]);
    for (const key of ['mode=open', 'php.memory_limit=64M', 'admin.memory=1g', 'cron=on', 'cache=on']) {
      expect(() => refuseForeignSettings(app, ['idle=5m', key])).toThrow(expect.objectContaining({ code: 'conflict' }));
      expect(() => refuseForeignSettings({ ...app, stack: 'wordpress' }, [key])).not.toThrow();
    }
    expect(() => refuseForeignSettings(app, ['idle=5m', 'egress=yes', 'boot=5m', 'checkpoint=always', 'cold=1d'])).not.toThrow();
  });

  it('of cron and of PHP are among them', () => {
    expect(changeSettings(BEFORE, ['cron=off', 'php.memory_limit=256M'])).toEqual({ ...BEFORE, cronEveryMs: 0, php: { memory_limit: '256M' } });
    expect(changeSettings(BEFORE, ['cron=on'])).toEqual(BEFORE);
  });

  it.each([
    ['on', 3_600_000, '1h'],
    ['off', 0, 'off'],
    ['10m', 600_000, '10m'],
    ['12h', 43_200_000, '12h'],
  ])('keep pages: %s', (text, cacheMs, shown) => {
    const changed = changeSettings(BEFORE, [`cache=${text}`]);
    expect([changed.cacheMs, describeSettings(changed)['cache']]).toEqual([cacheMs, shown]);
  });

  it('show who must give the extra password, and nothing of it; it is not set here', () => {
    const guarded = { ...BEFORE, adminPassword: 'mia:{SSHA}abc' };
    expect(describeSettings(guarded)['admin.password']).toBe('mia');
    expect(changeSettings(guarded, ['admin.password=none'])).toEqual(BEFORE);
    expect(() => changeSettings(BEFORE, ['admin.password=mia:{SSHA}abc'])).toThrow(/site admin-password/u);
  });

  it.each([
    ['http://127.0.0.1:4180/oauth2/auth', 'http://127.0.0.1:4180/oauth2/auth'],
    ['https://login.example.org', 'https://login.example.org/'],
    ['off', ''],
  ])('ask a checker: %s', (text, adminAuth) => {
    expect(changeSettings(BEFORE, [`admin.auth=${text}`])).toEqual({ ...BEFORE, adminAuth });
  });

  it.each([
    '',
    'yes',
    '/oauth2/auth',
    'ftp://a.example/',
    'file:///etc/passwd',
    'unix:/run/a.sock',
    'http://mia:honey@a.example/',
    'http://a.example/#b',
    'http://',
  ])('ask no checker at “%s”', (text) => {
    for (const key of ['admin.auth', 'admin.signin']) expect(() => changeSettings(BEFORE, [`${key}=${text}`])).toThrow(/is the address/u);
  });

  it.each(['never', '13h', '0', 'yes', '500ms', ''])('keep no pages for “%s”', (text) => {
    expect(() => changeSettings(BEFORE, [`cache=${text}`])).toThrow(/cache is the time/u);
  });

  it('each accept their own example', () => {
    for (const { key, example } of SITE_SETTINGS) expect(() => changeSettings(BEFORE, [`${key}=${example}`])).not.toThrow();
  });
});
