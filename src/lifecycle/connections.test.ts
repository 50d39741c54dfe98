import { expect, it } from 'vitest';
import { inodeCounts, placeOfSocket } from './connections.ts';

it('tells sockets of one path apart by their files', () => {
  const text = `u_str ESTAB  0      0             /run/app/app.sock 1493488 * 1493487 <-> ino:21 dev:0/65024
u_str ESTAB  0      0             /run/app/app.sock 1493489 * 0       <-> ino:21 dev:0/65024
u_str ESTAB  0      0             /run/app/app.sock 1493490 * 1493491 <-> ino:22 dev:0/65024
u_str ESTAB  0      0                             * 1493487 * 1493488 <->
u_dgr UNCONN 0      0             /run/app/app.sock 1493492 * 0       <-> ino:21 dev:0/65024
`;
  expect([...inodeCounts(text)]).toEqual([
    [placeOfSocket('/run/app/app.sock', 21), 2],
    [placeOfSocket('/run/app/app.sock', 22), 1],
  ]);
  expect(inodeCounts('').size).toBe(0);
});
