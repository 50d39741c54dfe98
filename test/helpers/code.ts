/** Code of a site's owner, as files on this machine. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SiteReply } from '../../src/api/types.ts';
import type { TestPlatform } from './platform.ts';

/** A directory of the platform's own with these files in it. */
export async function codeAt(platform: TestPlatform, name: string, files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const dir = join(platform.dir, 'code', name);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  return dir;
}

export function createOfCode(platform: TestPlatform, domain: string, options: Readonly<Record<string, unknown>>): Promise<SiteReply> {
  return platform.api.work<SiteReply>('/v1/code-sites', { domain, ...options }, () => undefined);
}

export function deploy(platform: TestPlatform, domain: string, options: Readonly<Record<string, unknown>>): Promise<SiteReply> {
  return platform.api.work<SiteReply>(`/v1/sites/${domain}/releases`, options, () => undefined);
}

/** What a front controller of any framework is, without the framework: it says how it was asked. */
export const FRONT = `<?php
header( 'Content-Type: text/plain' );
foreach ( array( 'REQUEST_URI', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'REMOTE_ADDR', 'HTTPS', 'SERVER_PORT', 'HTTP_HOST' ) as $name ) {
    echo $name, '=', $_SERVER[ $name ] ?? '', "\\n";
}
echo 'body=', strlen( file_get_contents( 'php://input' ) ), "\\n";
`;
