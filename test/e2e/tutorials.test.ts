/**
 * What introductions to containers have one type, typed as they write it, with our command in the place of docker's (and another port where they
 * have 8080, which may be taken). The images come from docker.io by its mirror, a registry of the test's own.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { poll } from '../../src/lib/deadline.ts';
import { execAny } from '../../src/lib/exec.ts';
import type { ExecResult } from '../../src/lib/exec.ts';
import { needPackages } from '../../tools/packages.ts';
import { TestPlatform } from '../helpers/platform.ts';
import { TestRegistry } from '../helpers/registry.ts';
import { GREETING, pushTutorialImages } from '../helpers/tutorial-images.ts';

const WITHIN = { timeoutMs: 60_000, everyMs: 100 } as const;
const NGINX = 'Welcome to nginx';
let dir: string;
let registry: TestRegistry;
let platform: TestPlatform;

beforeAll(async () => {
  await needPackages({ 'docker-registry': 'docker-registry' });
  dir = await mkdtemp('/tmp/subako-u-');
  registry = await TestRegistry.start(join(dir, 'registry'));
  platform = await TestPlatform.create();
  await mkdir(join(platform.dir, 'data'));
  const registries = { 'docker.io': { mirror: registry.name }, [registry.name]: { insecure: true } };
  await platform.configure({ checkpoints: false, registries, volumeRoots: [join(platform.dir, 'data')] });
  await platform.up();
  await pushTutorialImages(platform, registry);
});

afterAll(async () => {
  const left = await platform.stop();
  await registry[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
  expect(left).toEqual([]);
});

/** One line, as it is typed: words with spaces between them. */
async function typed(line: string): Promise<ExecResult> {
  const result = await platform.cli(line.split(' '));
  expect([line, result.code, result.code === 0 ? '' : result.stderr]).toEqual([line, 0, '']);
  return result;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '0.0.0.0');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** What a browser would show. */
async function untilShown(port: number, text: string): Promise<void> {
  const shown = async (): Promise<boolean> => (await (await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined))?.text())?.includes(text) === true;
  expect(await poll(shown, WITHIN), `${text} is not shown`).toBe(true);
}

describe('a first container', () => {
  it('says hello', async () => {
    expect((await typed('run hello-world')).stdout).toBe(GREETING);
  });

  it('has a cow say it', async () => {
    expect((await typed('run docker/whalesay cowsay Hello.I am Saiba.')).stdout).toContain('< Hello.I am Saiba. >');
  });
});

describe('nginx', () => {
  it('is run, listed, stopped, started and removed', async () => {
    const port = await freePort();
    await typed(`run --name nginx -d -p ${port}:80 nginx:latest`);
    await untilShown(port, NGINX);
    expect((await typed('ps')).stdout).toMatch(new RegExp(`^nginx .* nginx:latest .* running .* 80/tcp -> 0\\.0\\.0\\.0:${port}$`, 'mu'));
    await typed('stop nginx');
    expect((await typed('ps')).stdout).not.toContain('nginx');
    expect((await typed('ps -a')).stdout).toContain('nginx');
    await typed('start nginx');
    await untilShown(port, NGINX);
    expect((await typed('logs nginx')).stdout).toContain('"GET / HTTP/1.1" 200');
    await typed('stop nginx');
    await typed('rm nginx');
    expect((await typed('ps -a')).stdout).not.toContain('nginx');
  });

  it('is a site at the port that the image exposes, and is woken by its visitor', async () => {
    await typed('site create www.localhost --image nginx:latest');
    const reply = await platform.fetch('www.localhost', '/');
    expect([reply.status, reply.text.includes(NGINX), String(reply.headers['server-timing'])]).toEqual([200, true, expect.stringContaining('desc="cold"')]);
    await typed('site rm www.localhost');
  });
});

describe('a server that takes its time to start', () => {
  it.each(['tomcat', 'jenkins'])('is run, and is there in the end: %s', async (name) => {
    const port = await freePort();
    await typed(`run --name ${name} -d -p ${port}:8080 ${name}:latest`);
    await untilShown(port, 'hello ');
    await typed(`rm -f ${name}`);
  });

  it('is a site that a visitor waits for', async () => {
    await typed('site create ci.localhost --image jenkins:latest');
    await typed('site set ci.localhost boot=5m');
    const reply = await platform.fetch('ci.localhost', '/');
    expect([reply.status, reply.text.startsWith('hello ')]).toEqual([200, true]);
    await typed('site rm ci.localhost');
  });
});

describe('an image', () => {
  it('is pulled, and tells how it comes', async () => {
    const { stderr } = await typed('pull centos:latest');
    expect(stderr).toMatch(/blob|fetched/u);
    expect((await typed('images')).stdout).toContain('docker.io/library/centos:latest');
  });

  it('is built from a Dockerfile in the directory where one is, and run', async () => {
    const context = join(dir, 'java');
    await mkdir(context);
    await writeFile(join(context, 'my-app.jar'), 'an app');
    const dockerfile = `FROM alpine:3.8
RUN apk add --update openjdk8
ENV JAVA_HOME /usr/lib/jvm/java-1.8-openjdk
ENV PATH $PATH:/usr/lib/jvm/java-1.8-openjdk/jre/bin
COPY ./my-app.jar /
CMD ["java", "-jar", "./my-app.jar"]
EXPOSE 80
`;
    await writeFile(join(context, 'Dockerfile'), dockerfile);
    const port = await freePort();
    const env = { SUBAKO_STATE: platform.state, SUBAKO_RUN: platform.run };
    const built = await execAny([join(process.cwd(), 'subako'), 'build', './', '-t', 'example:latest'], { cwd: context, env, timeoutMs: 300_000 });
    expect([built.code, built.code === 0 ? '' : built.stderr]).toEqual([0, '']);
    await typed(`run -d --name example -p ${port}:80 example:latest`);
    const jar = async (): Promise<boolean> => (await (await fetch(`http://127.0.0.1:${port}/my-app.jar`).catch(() => undefined))?.text()) === 'an app';
    expect(await poll(jar, WITHIN)).toBe(true);
    await typed('rm -f example');
  });
});

describe('a volume', () => {
  it('is a directory of the machine at a place in the container', async () => {
    const place = join(platform.dir, 'data');
    expect((await typed(`run -v ${place}:/var/lib/db centos mount`)).stdout).toMatch(/ on \/var\/lib\/db type /u);
    await typed(`run -v ${place}:/var/lib/db centos touch /var/lib/db/kept`);
    expect((await typed(`run -v ${place}:/var/lib/db centos ls /var/lib/db`)).stdout).toBe('kept\n');
  });

  it('may have a name, and outlives its containers', async () => {
    await typed('run --rm -v db:/var/lib/db centos touch /var/lib/db/named');
    expect((await typed('run --rm -v db:/var/lib/db centos ls /var/lib/db')).stdout).toBe('named\n');
    await typed('volume rm db');
  });
});
