import { describe, expect, it } from 'vitest';
import { toolError } from './tool-error.ts';

function result(stderr: string) {
  return { code: 1, signal: null, stdout: '', stderr, timedOut: false };
}

/** As skopeo and buildah write it. */
function fatal(message: string) {
  return result(`time="2026-11-28T22:00:00Z" level=fatal msg=${JSON.stringify(message)}`);
}

describe('what a program for images says', () => {
  it.each([
    ['reading manifest latest in 127.0.0.1:5000/none: manifest unknown', 'not_found'],
    ['Get "https://127.0.0.1:5000/v2/": http: server gave HTTP response to HTTPS client', 'registry_failed'],
    ['tls: failed to verify certificate: x509: certificate signed by unknown authority', 'registry_failed'],
    ['reading manifest 1 in localhost/app: authentication required', 'registry_failed'],
    ['dial tcp 127.0.0.1:1: connect: connection refused', 'registry_failed'],
    ['writing blob: storing blob to file "/x": write /x: no space left on device', 'no_space'],
    ['something that nobody has seen yet', 'command_failed'],
  ])('%s: %s', (message, code) => {
    expect(toolError('x could not be pulled', fatal(message), 'command_failed').code).toBe(code);
  });

  it('is told with its quotes, without the dress of a log and without what would move a terminal', () => {
    const error = toolError('x could not be pulled', fatal('bad "name" \u001B[2J'), 'command_failed');
    expect(error.message).toContain('x could not be pulled: bad "name"');
    expect(error.message).not.toContain('\u001B');
  });

  it('of a step that failed is the step’s own, whatever words are in it', () => {
    const said = 'curl: connection refused\nError: building at STEP "RUN curl https://example.org/certificate": while running runtime: exit status 7';
    expect(toolError('the image could not be built', result(said), 'build_failed')).toMatchObject({
      code: 'build_failed',
      message: expect.stringContaining('exit status 7') as string,
      facts: { output: expect.stringContaining('connection refused') as string },
    });
  });
});
