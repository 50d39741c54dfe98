import { describe, expect, it } from 'vitest';
import { hostsText } from './hosts-text.ts';

const lines = '127.0.0.1\tlocalhost\n';
const web = { id: 'a', address: '10.208.0.2', address6: 'fd5b::2', names: ['web', 'front'] };

describe('/etc/hosts of a container', () => {
  it('names itself at loopback where it is in no network', () => {
    expect(hostsText({ lines, hostname: 'box' }, undefined, [])).toBe(`${lines}127.0.0.1\tbox\n`);
  });

  it('names itself where it is in its first network, and everybody there, with all their addresses', () => {
    const others = [
      { id: 'b', address: '10.208.0.3', names: ['db', 'front'] },
      { id: 'c', address: '10.208.0.4', names: [] },
    ];
    expect(hostsText({ lines, hostname: 'box' }, web, [web, ...others])).toBe(
      `${lines}10.208.0.2\tbox\nfd5b::2\tbox\n10.208.0.2\tweb front\nfd5b::2\tweb front\n10.208.0.3\tdb front\n`,
    );
  });
});
