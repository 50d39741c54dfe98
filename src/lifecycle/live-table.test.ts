import { describe, expect, it } from 'vitest';
import type { Role } from '../domain/role.ts';
import type { Live } from './live.ts';
import { LiveTable } from './live-table.ts';

const live = (siteId: string, role: Role = 'public'): Live => ({ site: { id: siteId }, role }) as Live;

describe('the table of what is up', () => {
  it('keeps the instances of each site in the order they came', () => {
    const table = new LiveTable();
    const [first, second, other] = [live('a'), live('a'), live('b')];
    for (const one of [first, other, second]) table.add(one);
    expect(table.of('a', 'public')).toEqual([first, second]);
    expect(table.all()).toEqual([first, second, other]);
    expect(table.of('none', 'public')).toEqual([]);
  });

  it('forgets one and keeps the others', () => {
    const table = new LiveTable();
    const [first, second] = [live('a'), live('a')];
    table.add(first);
    table.add(second);
    table.remove(first);
    table.remove(first);
    expect(table.of('a', 'public')).toEqual([second]);
    table.remove(second);
    expect(table.all()).toEqual([]);
  });

  it('does not change a list under who walks through it', () => {
    const table = new LiveTable();
    const first = live('a');
    table.add(first);
    const seen = table.of('a', 'public');
    table.add(live('a'));
    table.remove(first);
    expect(seen).toEqual([first]);
  });
});
