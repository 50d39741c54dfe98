import { describe, expect, it } from 'vitest';
import { isLocalName, isPublicName } from './local-name.ts';

describe('a name', () => {
  it.each(['localhost', 'a.localhost', 'b.a.test', 'nas.local', 'db.internal', 'x.home.arpa'])('%s is of this machine or network', (name) => {
    expect([isLocalName(name), isPublicName(name)]).toEqual([true, false]);
  });

  it.each(['example.org', 'a.example.com', 'localhost.example.org', 'xn--bcher-kva.example.net', 'notlocalhost.de'])('%s may be public', (name) => {
    expect([isLocalName(name), isPublicName(name)]).toEqual([false, true]);
  });

  it.each(['intranet', 'a.example', 'x.onion', 'x.invalid'])('%s is neither', (name) => {
    expect([isLocalName(name), isPublicName(name)]).toEqual([false, false]);
  });
});
