import { describe, expect, it } from 'vitest';
import { databaseNames, grantPattern } from './tenants.ts';

describe('names in the database', () => {
  it('are escaped in a GRANT, where a name is a pattern', () => {
    expect(grantPattern('site_abc')).toBe('`site\\_abc`');
    expect(grantPattern('a%b_c\\d')).toBe('`a\\%b\\_c\\\\d`');
    expect(grantPattern('a`b')).toBe('`a``b`');
  });

  it('come from the id alone', () => {
    expect(databaseNames('sabc')).toEqual({ database: 'site_sabc', users: { admin: 'site_sabc', reader: 'site_sabc_reader' } });
  });
});
