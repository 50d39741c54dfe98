import { describe, expect, it } from 'vitest';
import { hostsWithDomain, newSiteKeys, phpString, readSiteKeys, renderHosts, renderSiteConfig, renderSiteNames, withDomain } from './site-config.ts';

const CREDENTIALS = { database: 'site_a', admin: { user: 'site_a', password: 'all' }, reader: { user: 'site_a_reader', password: 'read' } };

function config() {
  let count = 0;
  return { domain: 'a.example', credentials: CREDENTIALS, keys: newSiteKeys(() => `secret${(count += 1)}`) };
}

describe('the configuration of a WordPress site', () => {
  it('quotes text so that PHP reads it back as it was', () => {
    expect(phpString(`it's a \\ "test" $x {$y}`)).toBe(`'it\\'s a \\\\ "test" $x {$y}'`);
  });

  it('leads the names of the site to the edge', () => {
    const hosts = renderHosts(['a.example', 'b.example']);
    expect(hosts).toBe('127.0.0.1 localhost\n169.254.1.1 a.example\n169.254.1.1 b.example\n');
    expect(hostsWithDomain(hosts, 'c.example')).toBe(renderHosts(['c.example', 'b.example']));
    expect(hostsWithDomain(hosts, 'b.example')).toBe(renderHosts(['b.example']));
    expect(hostsWithDomain('', 'a.example')).toBe(renderHosts(['a.example']));
  });

  it('has every constant once and a different secret for each key', () => {
    const text = renderSiteConfig('admin', config());
    expect(text.match(/define\(/gu)).toHaveLength(13);
    expect(new Set(text.match(/secret\d+/gu))).toHaveProperty('size', 8);
    expect(text).toMatch(/define\( 'SUBAKO_DOMAIN', .* : 'a\.example' \);/u);
  });

  it('names the further names as PHP reads them', () => {
    expect(renderSiteNames([])).toBe('<?php\nreturn array(  );\n');
    expect(renderSiteNames(['b.example', 'c.example'])).toBe("<?php\nreturn array( 'b.example', 'c.example' );\n");
  });

  it('is read back for its keys alone', () => {
    const { keys, ...one } = config();
    const text = renderSiteConfig('admin', { ...one, keys });
    expect(readSiteKeys(text)).toEqual(keys);
  });

  it('gives each role its own account, and the public one nothing of the other', () => {
    const one = config();
    const [open, shut] = [renderSiteConfig('public', one), renderSiteConfig('admin', one)];
    expect(open).toContain(`define( 'DB_USER', 'site_a_reader' );`);
    expect(open).not.toContain(`'all'`);
    expect(shut).toContain(`define( 'DB_PASSWORD', 'all' );`);
    expect(open.match(/secret\d+/gu)).toEqual(shut.match(/secret\d+/gu));
  });

  it('is the same for another domain, but for the domain', () => {
    const before = renderSiteConfig('admin', config());
    const after = withDomain(before, 'b.example');
    expect(after).toBe(before.replace("'a.example'", "'b.example'"));
    expect(withDomain(after, 'a.example')).toBe(before);
    expect(() => withDomain('<?php', 'a.example')).toThrow('no domain');
  });
});
