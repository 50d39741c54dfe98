import { describe, expect, it } from 'vitest';
import { commandOf } from './command.ts';

const command = (json: string | undefined, top: readonly string[] = []): readonly string[] =>
  commandOf({ top, texts: json === undefined ? {} : { 'package.json': json } });
const ofScript = (start: string): readonly string[] => command(JSON.stringify({ scripts: { start }, main: 'other.js' }));

describe('what is run of a Node app', () => {
  it.each([
    ['node server.js', ['/usr/bin/node', 'server.js']],
    ['  node  --enable-source-maps dist/main.js ', ['/usr/bin/node', '--enable-source-maps', 'dist/main.js']],
    ['node server.js && echo', ['/bin/sh', '-c', 'node server.js && echo']],
    ['NODE_ENV=x node a.js', ['/bin/sh', '-c', 'NODE_ENV=x node a.js']],
    ['next start', ['/bin/sh', '-c', 'next start']],
    ['node a.js; rm -rf $HOME', ['/bin/sh', '-c', 'node a.js; rm -rf $HOME']],
    ['nodemon a.js', ['/bin/sh', '-c', 'nodemon a.js']],
  ])('is its start script: %j', (script, args) => {
    expect(ofScript(script)).toEqual(args);
  });

  it('is its main, where it has no start script, and else a file with a usual name', () => {
    expect(command('{"main":"lib/a.js"}', ['server.js'])).toEqual(['/usr/bin/node', 'lib/a.js']);
    expect(command('{"main":"--eval=1"}')).toEqual(['/usr/bin/node', './--eval=1']);
    expect(command('{"main":7}', ['index.js', 'app.js'])).toEqual(['/usr/bin/node', 'app.js']);
    expect(command(undefined, ['lib/', 'index.mjs'])).toEqual(['/usr/bin/node', 'index.mjs']);
  });

  it.each([undefined, '{}', '[]', 'null', '7', '{', '{"scripts":{"start":""}}', '{"scripts":[]}', '{"scripts":{"start":7}}', '{"main":"a\\u0000"}'])(
    'is nothing that can be guessed from %j',
    (json) => {
      expect(() => command(json, ['server.js/'])).toThrow(expect.objectContaining({ code: 'bad_setting' }));
    },
  );
});
