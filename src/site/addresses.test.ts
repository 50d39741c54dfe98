import { describe, expect, it } from 'vitest';
import { QUIET } from '../domain/site.ts';
import { Addresses } from './addresses.ts';

const isBelieved = (name: string): boolean => name === 'known.example.org';
const usual = new Addresses({ ports: { http: 80, https: 443 }, isBelieved });
const odd = new Addresses({ ports: { http: 8080, https: 8443 }, isBelieved });
const site = (domain: string, https: 'both' | 'redirect' = 'both') => ({ domain, settings: { ...QUIET, https } });

describe('the address of a site', () => {
  it('is its name over http, with the port where that is not the usual one', () => {
    expect(usual.urlOf(site('a.localhost'))).toBe('http://a.localhost/');
    expect(odd.urlOf(site('a.localhost'))).toBe('http://a.localhost:8080/');
  });

  it('is https where http is sent on, and where everybody believes its certificate', () => {
    expect(odd.urlOf(site('a.localhost', 'redirect'))).toBe('https://a.localhost:8443/');
    expect(odd.urlOf(site('known.example.org'))).toBe('https://known.example.org:8443/');
    expect(usual.urlOf(site('known.example.org'))).toBe('https://known.example.org/');
  });

  it('can be either, for what was written', () => {
    expect(odd.originsOf('a.localhost')).toEqual(['http://a.localhost:8080', 'https://a.localhost:8443']);
    expect(usual.originsOf('a.localhost')).toEqual(['http://a.localhost', 'https://a.localhost']);
  });
});
