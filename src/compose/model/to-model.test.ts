import { describe, expect, it } from 'vitest';
import type { ProjectService } from '../../domain/project.ts';
import { readProject } from '../file/read-project.ts';
import { readSource } from '../file/read-source.ts';
import type { ModelWish, Resolved } from './resolving.ts';
import { toModel } from './to-model.ts';

const FILES: Readonly<Record<string, string>> = {
  '/p/pw.txt': 'hush\n',
  '/p/a.env': 'A=1\nB="two words" # note\n#C=3\n',
  '/p/nginx.conf': 'x',
  '/p/e.env': 'E=$D!',
  '/p/d.env': 'D=$OWN/${NONE:-two}\n',
};
const VARIABLES: Readonly<Record<string, string>> = { OWN: 'mine', TAG: '9', HOME: '/home/me' };
const wish: ModelWish = { project: 'shop', profiles: [], services: [] };

function resolve(texts: string | readonly string[], more: Partial<ModelWish> = {}): Resolved {
  const variables = { valueOf: (name: string) => VARIABLES[name], missing: () => undefined };
  const sources = [texts].flat().map((text, index) => readSource(`${index}.yaml`, text, variables));
  return toModel(
    readProject(sources),
    { ...wish, ...more },
    {
      dir: '/p',
      variableOf: variables.valueOf,
      read: (path) => Buffer.from(FILES[path] ?? ''),
      kindOf: (path) => (Object.hasOwn(FILES, path) ? 'file' : path === '/p/src' ? 'directory' : undefined),
      shown: (path) => path,
    },
  );
}

const one = (yaml: string): ProjectService => resolve(`services:\n  a:\n    image: x\n    ${yaml}`).model.services[0] as ProjectService;

describe('a service', () => {
  it.each([
    ['command: sh -c "a b"', { command: ['sh', '-c', 'a b'] }],
    ['entrypoint: []', { entrypoint: [] }],
    ['environment: {A: 1, OWN: , NONE: }', { env: ['A=1', 'OWN=mine'] }],
    ['environment: [A=b=c, OWN, NONE]', { env: ['A=b=c', 'OWN=mine'] }],
    ['env_file: a.env\n    environment: {A: 2}', { env: ['A=2', 'B=two words'] }],
    ['env_file: [{path: gone.env, required: false}]', { env: [] }],
    ['mem_limit: 64m\n    cpus: "0.5"\n    pids_limit: -1', { memory: '64m', cpus: 0.5 }],
    [
      'deploy: {resources: {limits: {memory: 1G, cpus: "2"}}, restart_policy: {condition: on-failure, max_attempts: 3}}',
      { memory: '1G', cpus: 2, restart: 'on-failure:3' },
    ],
    ['stop_grace_period: 1m30s\n    stop_signal: SIGQUIT', { stopTimeout: 90, stopSignal: 'SIGQUIT' }],
    ['healthcheck: {test: [CMD, ok, "1"], interval: 1m30s, retries: 2}', { healthArgv: ['ok', '1'], healthInterval: '90000ms', healthRetries: 2 }],
    ['healthcheck: {test: curl -f x}', { healthCmd: 'curl -f x' }],
    ['healthcheck: {disable: true}', { healthCmd: 'none' }],
    ['ports: ["8080:80", "127.0.0.1:53:53/udp", 90, {target: 80, published: 81}]', { publish: ['8080:80/tcp', '127.0.0.1:53:53/udp', '90/tcp', '81:80/tcp'] }],
    ['ports: ["3000-3001:4000-4001"]', { publish: ['3000:4000/tcp', '3001:4001/tcp'] }],
    ['dns: 10.0.0.53\n    dns_search: corp\n    dns_opt: ["ndots:2"]', { dns: ['10.0.0.53'], dnsSearch: ['corp'], dnsOptions: ['ndots:2'] }],
    ['dns: [10.0.0.53, "fd00::53"]', { dns: ['10.0.0.53', 'fd00::53'] }],
    ['ports: ["[::1]:81:80"]', { publish: ['[::1]:81:80/tcp'] }],
    ['ports: [{target: 80, published: 81, host_ip: "::1"}]', { publish: ['[::1]:81:80/tcp'] }],
    ['ports: [{target: 80, published: 81, host_ip: 0.0.0.0}]', { publish: ['0.0.0.0:81:80/tcp'] }],
    ['extra_hosts: {h: 10.0.0.1}', { extraHosts: ['h:10.0.0.1'] }],
    ['extra_hosts: ["h=10.0.0.1"]', { extraHosts: ['h:10.0.0.1'] }],
    [
      'tmpfs: /tmp\n    volumes: [{type: tmpfs, target: /run, tmpfs: {size: 1m}}, ./src:/app:ro, /var/lib/x]',
      { tmpfs: ['/tmp', '/run:size=1m'], volumes: ['/p/src:/app:ro', '/var/lib/x'] },
    ],
    ['network_mode: none', { networks: [] }],
    ['image: "y:${TAG:-1}"'.replace('image', 'user'), { user: 'y:9' }],
    ['restart: no', { restart: 'no' }],
    ['labels: {a: 1}\n    x-anything: [goes]', { labels: ['a=1'] }],
    ['label_file: a.env\n    labels: [A=9]', { labels: ['A=9', 'B=two words'] }],
    ['healthcheck: {test: [CMD, ok], start_period: 1m, start_interval: 2s}', { healthStartPeriod: '60000ms', healthStartInterval: '2000ms' }],
    ['cap_drop: [ALL]\n    cap_add: [CHOWN, NET_BIND_SERVICE]', { capDrop: ['ALL'], capAdd: ['CHOWN', 'NET_BIND_SERVICE'] }],
    ['ulimits: {nofile: {soft: 10, hard: 20}, nproc: 5}', { ulimits: ['nofile=10:20', 'nproc=5'] }],
    ['sysctls: {net.core.somaxconn: 1024}', { sysctls: ['net.core.somaxconn=1024'] }],
    ['sysctls: [net.core.somaxconn=1024]', { sysctls: ['net.core.somaxconn=1024'] }],
    ['security_opt: ["no-new-privileges:true", "label:disable"]', { securityOptions: ['no-new-privileges:true', 'label:disable'] }],
    ['group_add: [www-data, 1000]', { groups: ['www-data', '1000'] }],
    ['read_only: true\n    shm_size: 1g\n    hostname: box', { readOnly: true, shmSize: '1g', hostname: 'box' }],
    ['deploy: {replicas: 3, resources: {limits: {pids: 5}}}', { pids: 5 }],
    [`platform: linux/${process.arch === 'arm64' ? 'arm64' : 'amd64'}\n    ipc: private\n    cgroup: private`, { image: 'x' }],
    ['env_file: d.env', { env: ['D=mine/two'] }],
    ['env_file: [d.env, e.env]', { env: ['D=mine/two', 'E=mine/two!'] }],
    ['env_file: {path: d.env, format: raw}', { env: ['D=$OWN/${NONE:-two}'] }],
  ])('%s', (yaml, expected) => {
    expect(one(yaml).container).toMatchObject(expected);
  });

  it('has the project’s own network, where nothing else is said, and is known there by its name', () => {
    expect(one('working_dir: /').container.networks).toEqual([{ name: 'shop_default', aliases: ['a'] }]);
  });

  it.each([
    ['depends_on: [b]', '0.yaml:4: services.a.depends_on.b: there is no service b'],
    ['networks: [b]', 'there is no network b'],
    ['volumes: [b:/x]', 'there is no volume b'],
    ['volumes: [./nginx.conf:/etc/nginx.conf]', '/p/nginx.conf is a file, and only directories can be mounted'],
    ['secrets: [b]', 'there is no secret b'],
    ['env_file: b', 'there is no file /p/b'],
    ['command: "a \'b"', 'a quote is not closed'],
    ['healthcheck: {test: [x]}', 'it does not begin with CMD'],
    ['healthcheck: {interval: soon}', 'soon is no time'],
    ['ports: ["a:b"]', 'services.a.ports.0: it is not understood'],
    ['ports: ["1-3:5"]', 'it is not understood'],
    ['scale: 2\n    container_name: c', '2 containers cannot have one name'],
    ['scale: 2\n    ports: ["80:80"]', '2 containers cannot have one port'],
    ['depends_on: [a]', 'services wait for one another: a → a'],
    ['privileged: true', 'privileged is not supported'],
    ['network_mode: "service:b"', 'network_mode: service:b is not supported'],
    ['devices: [/dev/kvm]', 'devices is not supported'],
    ['cap_add: [SYS_ADMIN]', '0.yaml:4: services.a.cap_add: a container cannot have the capability SYS_ADMIN'],
    ['ulimits: {core: -1}', 'services.a.ulimits: a container leaves no core'],
    ['sysctls: {vm.swappiness: 1}', 'services.a.sysctls: the setting vm.swappiness is not a container’s own'],
    ['security_opt: ["seccomp:unconfined"]', 'services.a.security_opt: "seccomp:unconfined" cannot be had'],
    ['platform: linux/riscv64', 'services.a.platform: images of "linux/riscv64" do not run on this machine'],
    ['label_file: gone', 'there is no file /p/gone'],
    ['links: [b]', 'services.a.depends_on.b: there is no service b'],
    ['links: ["b:db"]', 'db would be a name for b here alone'],
    ['ipc: host', 'ipc: host is not supported'],
    ['deploy: {mode: global}', 'mode: global is not supported'],
    ['imagee: y', '0.yaml:4: services.a.imagee: there is no such key'],
    ['cpus: many', 'must be a number'],
  ])('with %j is refused', (yaml, message) => {
    expect(() => one(yaml)).toThrow(message);
  });

  it('may say that it does not want what is not supported', () => {
    expect(one('privileged: false\n    devices: []').container.image).toBe('x');
  });
});

describe('a project', () => {
  it('tells what is left out, and why', () => {
    const { warnings } = resolve('version: "3"\nservices: {a: {image: x, init: true}}');
    expect(warnings).toEqual([
      '0.yaml:1: version is left out: it has no meaning any more',
      '0.yaml:2: services.a.init is left out: no process is put before the service’s own',
    ]);
  });

  it('takes in anchors, merge keys and several files, the later of which has its way', () => {
    const base =
      'x-base: &b {image: x, environment: {A: 1, B: 1}}\nservices:\n  a: {<<: *b, command: [one, two], ports: [80], volumes: [v:/a]}\nvolumes: {v: , w: }';
    const over = 'services:\n  a: {environment: [B=2], command: [three], ports: [81, 80], volumes: [w:/a, v:/b]}';
    expect(resolve([base, over]).model.services[0]?.container).toMatchObject({
      env: ['A=1', 'B=2'],
      command: ['three'],
      publish: ['80/tcp', '81/tcp'],
      volumes: ['shop_w:/a', 'shop_v:/b'],
    });
  });

  it('has the services that are asked for with what they need, in an order in which each can start', () => {
    const yaml =
      'services:\n  web: {image: x, depends_on: {db: {condition: service_healthy}, seed: {condition: service_completed_successfully}}}\n  db: {image: x}\n  seed: {image: x, depends_on: [db]}\n  tool: {image: x, profiles: [extra]}';
    const names = (more: Partial<ModelWish>): string => resolve(yaml, more).meant.join();
    expect([names({}), names({ profiles: ['extra'] }), names({ services: ['seed'] }), names({ services: ['tool'] })]).toEqual([
      'db,seed,web',
      'db,seed,web,tool',
      'db,seed',
      'tool',
    ]);
    expect(resolve(yaml).model.services[2]?.dependsOn).toEqual([
      { service: 'db', condition: 'healthy' },
      { service: 'seed', condition: 'completed' },
    ]);
  });

  it('has dependencies by links too, and those that restart with others, or need not be there', () => {
    const yaml =
      'services: {a: {image: x, links: [b, "b:b"], depends_on: {c: {condition: service_healthy, restart: true}, gone: {condition: service_started, required: false}}}, b: {image: x}, c: {image: x}}';
    expect(resolve(yaml).model.services.at(-1)?.dependsOn).toEqual([
      { service: 'b', condition: 'started' },
      { service: 'c', condition: 'healthy', restart: true },
    ]);
  });

  it('has as many of a service as are asked for, and it alone where that is said', () => {
    const yaml = 'services: {a: {image: x, depends_on: [b], scale: 2}, b: {image: x, container_name: b, ports: ["80:80"]}}';
    const { model, meant } = resolve(yaml, { services: ['a'], alone: true, scale: { a: 5 } });
    expect([meant, model.services.map(({ name, replicas }) => [name, replicas])]).toEqual([
      ['a'],
      [
        ['b', 1],
        ['a', 5],
      ],
    ]);
    expect(() => resolve(yaml, { scale: { b: 2 } })).toThrow('2 containers cannot have one name');
    expect(() => resolve(yaml, { scale: { c: 2 } })).toThrow('there is no service c');
  });

  it('names its networks and volumes after itself, unless they are named or from elsewhere', () => {
    const yaml =
      'services: {a: {image: x, networks: [n, e], volumes: [v:/v, f:/f, g:/g]}}\nnetworks: {n: {internal: true}, e: {external: true}, unused: }\nvolumes: {v: , f: {name: full}, g: {external: true}}';
    const { networks, volumes } = resolve(yaml).model;
    expect(networks).toEqual([
      { name: 'shop_n', external: false, internal: true },
      { name: 'e', external: true, internal: false },
    ]);
    expect(volumes).toEqual([
      { name: 'shop_v', external: false },
      { name: 'full', external: false },
      { name: 'g', external: true },
    ]);
  });

  it('reads secrets and configs here, and holds none of their bytes in its model', () => {
    const yaml =
      'services: {a: {image: x, secrets: [pw, {source: own, target: /etc/own, uid: 5, mode: 0400}], configs: [c]}}\nsecrets: {pw: {file: pw.txt}, own: {environment: OWN}}\nconfigs: {c: {content: "tag ${TAG}"}}';
    const { model, contents } = resolve(yaml);
    expect(model.services[0]?.files.map(({ destination, mode, uid }) => [destination, mode, uid])).toEqual([
      ['/run/secrets/pw', 0o444, 0],
      ['/etc/own', 0o400, 5],
      ['/c', 0o444, 0],
    ]);
    expect(Object.values(contents).map((text) => Buffer.from(text, 'base64').toString())).toEqual(['hush\n', 'mine', 'tag 9']);
    expect(JSON.stringify(model)).not.toMatch(/hush|mine|tag 9/u);
  });

  it.each([
    ['services: {a: {image: x, ports: ["80:1"]}, b: {image: x, ports: ["80:2"]}}', 'port 80/tcp is published twice: by a too'],
    ['services: {a: {image: x, profiles: [p]}}', 'every service has a profile'],
    ['services: {a: {image: x, depends_on: [b]}, b: {image: x, profiles: [p]}}', 'b has a profile that is not asked for'],
    ['services: {a: {image: x, container_name: c}, b: {image: x, container_name: c}}', 'a is called so too'],
    ['services: {a: {}}', 'it has neither image nor build'],
    ['services: {a: {image: x, secrets: [s]}}\nsecrets: {s: {file: gone}}', 'there is no file /p/gone'],
    ['services: {a: {image: x}}\nnetworks: {n: {driver: overlay}}', 'driver: overlay is not supported'],
    ['services: {a: {image: x}}\nnetworks: {n: {ipam: {}}}', 'ipam is not supported'],
  ])('%s is refused', (yaml, message) => {
    expect(() => resolve(yaml)).toThrow(message);
  });
});

describe('a site', () => {
  const yaml = 'services: {web: {image: x, ports: ["8080:80"], depends_on: [db]}, db: {image: y}}\n';

  it('is the one service with a published port, at that port', () => {
    expect(resolve(yaml, { domain: 'a.localhost' }).model.site).toEqual({ domain: 'a.localhost', service: 'web', port: 80, settings: [] });
    expect(resolve(`${yaml}x-subako: {domain: b.localhost, port: 81, health_path: /up, settings: {idle: 5m}}`).model.site).toEqual({
      domain: 'b.localhost',
      service: 'web',
      port: 81,
      healthPath: '/up',
      settings: ['idle=5m'],
    });
    expect(resolve(yaml).model.site).toBeUndefined();
  });

  it.each([
    ['services: {a: {image: x}}', 'no service has a published port'],
    ['services: {a: {image: x, ports: [80]}, b: {image: x, ports: [81]}}', 'several services have published ports: a, b'],
    ['services: {a: {image: x, ports: [80]}, b: {image: x, depends_on: [a]}}', 'a is the site, and starts after all others'],
    ['services: {a: {image: x, ports: [80], volumes: ["./src:/app"]}}', 'a directory of this machine (/p/src) cannot be mounted into a site'],
    ['services: {a: {image: x}}\nx-subako: {service: a}', 'where it listens is not clear'],
  ])('%s cannot be one', (text, message) => {
    expect(() => resolve(text, { domain: 'a.localhost' })).toThrow(message);
  });

  it('tells what of its service goes otherwise', () => {
    const { warnings } = resolve('services: {a: {image: x, ports: [80, 81], restart: always, tty: true}}', { domain: 'a.localhost', service: 'a' });
    expect(warnings).toEqual([
      'services.a.ports: only 80 of the site is led to, by the edge; it is not published otherwise',
      'services.a.restart: it is the site’s service, and visitors wake it',
      'services.a.tty: it is the site’s service, and a site has no terminal',
    ]);
  });

  it.each(['extra_hosts: {h: 10.0.0.1}', 'stop_grace_period: 1m', 'labels: {a: b}', 'label_file: a.env', 'dns: 10.0.0.53', 'ulimits: {nproc: 5}'])(
    'tells that it does without %s',
    (text) => {
      const { warnings } = resolve(`services:\n  a:\n    image: x\n    ports: [80]\n    ${text}`, { domain: 'a.localhost' });
      expect(warnings).toEqual([expect.stringContaining(`services.a.${text.split(':')[0]}: it is the site’s service, and `)]);
    },
  );
});
