import { describe, expect, it } from 'vitest';
import { QUIET } from '../domain/site.ts';
import { changeSettings, describeSettings } from './site-settings.ts';

const set = (...assignments: string[]) => changeSettings(QUIET, assignments).hooks;

describe('hooks of a site’s owner', () => {
  it('are programs of the container, with arguments', () => {
    expect(set('hook.before-stop=/usr/bin/queue --max=5 /srv/x', 'hook.ready=/bin/true')).toEqual({
      'before-stop': '/usr/bin/queue --max=5 /srv/x',
      ready: '/bin/true',
    });
    expect(set('hook.ready=/bin/true', 'hook.ready=off')).toEqual({});
    expect(describeSettings({ ...QUIET, hooks: { ready: '/bin/true' } })).toMatchObject({ 'hook.ready': '/bin/true' });
  });

  it.each([
    'hook.after-boot=/bin/true',
    'hook.=/bin/true',
    'hook.__proto__=/bin/true',
    'hook.ready',
    'hook.ready=true',
    'hook.ready=/bin/sh -c "id"',
    'hook.ready=/bin/true; id',
    'hook.ready=/bin/true\nid',
    'hook.ready=/bin/true  two',
    'hook.ready=/$(id)',
    `hook.ready=/${'x'.repeat(600)}`,
  ])('are refused: %j', (assignment) => {
    expect(() => set(assignment)).toThrow(expect.objectContaining({ code: 'bad_setting' }));
  });
});
