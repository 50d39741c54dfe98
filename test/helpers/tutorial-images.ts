/** What stands here for images of docker.io that introductions begin with: made of Debian's programs, pushed to a registry under those names. */
import { chmod, cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exec } from '../../src/lib/exec.ts';
import { importAppImage } from './app-image.ts';
import { importBusybox } from './busybox.ts';
import type { TestPlatform } from './platform.ts';
import { copyPrograms, toolboxRoot } from './program-root.ts';
import type { TestRegistry } from './registry.ts';

export const GREETING = 'Hello from Docker!\nThis message shows that your installation appears to be working correctly.\n';

const NGINX_CONF = `error_log /dev/stderr;
events {}
http { access_log /dev/stdout; server { listen 80; root /usr/share/nginx/html; } }
`;
/** It draws no whale. */
const COWSAY = `#!/bin/sh
echo " $*" | busybox sed 's/./_/g'
echo "< $* >"
`;
/** Of a Dockerfile's \`RUN apk add --update openjdk8\` and \`CMD ["java", "-jar", "./my-app.jar"]\`. */
const APK = `#!/bin/sh
[ "$*" = 'add --update openjdk8' ] || exit 1
bin=/usr/lib/jvm/java-1.8-openjdk/jre/bin
mkdir -p $bin && printf '#!/bin/sh\\n[ "$1" = -jar ] && exec busybox httpd -f -p 80 -h "$(busybox dirname "$2")"\\n' >$bin/java && chmod 755 $bin/java
`;

/** `sleepy`: a server that listens only after some seconds, as those that bring a Java virtual machine do. */
export async function pushTutorialImages(platform: TestPlatform, registry: TestRegistry): Promise<void> {
  await importBusybox(platform.api, platform.dir);
  await importAppImage(platform, { name: 'localhost/sleepy', env: ['BOOT_SECONDS=3', 'PORT=8080'] });
  await importNginx(platform);
  await build(platform, { name: 'hello', files: { '/hello.txt': GREETING }, last: 'CMD ["cat", "/hello.txt"]' });
  await build(platform, { name: 'whale', files: { '/usr/local/bin/cowsay': COWSAY }, last: 'CMD ["cowsay"]' });
  await build(platform, { name: 'alpine', files: { '/sbin/apk': APK }, last: 'CMD ["/bin/sh"]' });
  const names = {
    hello: ['library/hello-world:latest'],
    whale: ['docker/whalesay:latest'],
    alpine: ['library/alpine:3.8'],
    busybox: ['library/centos:latest'],
    nginx: ['library/nginx:latest'],
    sleepy: ['library/tomcat:latest', 'library/jenkins:latest'],
  };
  for (const [image, targets] of Object.entries(names)) {
    for (const target of targets) {
      const request = { reference: `localhost/${image}`, to: `${registry.name}/${target}`, tlsVerify: false };
      await platform.api.work('/v1/images/push', request, () => undefined);
    }
  }
  // What is here is not asked for elsewhere.
  for (const image of Object.keys(names)) await platform.api.delete(`/v1/images/${encodeURIComponent(`localhost/${image}`)}`);
}

/** A busybox with these programs and files. */
async function build(platform: TestPlatform, { name, files, last }: { name: string; files: Readonly<Record<string, string>>; last: string }): Promise<void> {
  const dir = join(platform.dir, `of-${name}`);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, 'root', path)), { recursive: true });
    await writeFile(join(dir, 'root', path), text);
    await chmod(join(dir, 'root', path), 0o755);
  }
  await writeFile(join(dir, 'Dockerfile'), `FROM localhost/busybox\nCOPY root /\n${last}\n`);
  await platform.api.work('/v1/images/build', { dir, tags: [name], args: [], noCache: false, network: 'none' }, () => undefined);
}

async function importNginx(platform: TestPlatform): Promise<void> {
  const root = join(platform.dir, 'of-nginx');
  const toolbox = await toolboxRoot(platform);
  await copyPrograms(toolbox, root, ['/usr/sbin/nginx']);
  for (const dir of ['etc/nginx', 'usr/share/nginx', 'var/lib/nginx', 'var/log/nginx', 'run', 'dev']) await mkdir(join(root, dir), { recursive: true });
  await cp(join(toolbox, 'usr/share/nginx/html'), join(root, 'usr/share/nginx/html'), { recursive: true });
  await writeFile(join(root, 'etc/nginx/nginx.conf'), NGINX_CONF);
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0::/:\nnobody:x:65534:65534::/:\nwww-data:x:33:33::/:\n');
  await writeFile(join(root, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\nwww-data:x:33:\n');
  await symlink('/dev/stderr', join(root, 'var/log/nginx/error.log'));
  const file = join(platform.dir, 'nginx.tar');
  await exec(['tar', '--create', '--file', file, '--directory', root, '--numeric-owner', '--owner=0', '--group=0', '.']);
  const config = { entrypoint: ['/usr/sbin/nginx', '-g', 'daemon off;'], cmd: [], exposedPorts: ['80/tcp'] };
  await platform.api.work('/v1/images/import', { file, name: 'nginx', format: 'rootfs', config }, () => undefined);
}
