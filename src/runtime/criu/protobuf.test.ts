import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesField, bytesOf, decode, encode, numberField, numberOf, withNumbers } from './protobuf.ts';
import type { Field } from './protobuf.ts';

const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array));
const number = fc.integer({ min: 1, max: 200 });
const field: fc.Arbitrary<Field> = fc.oneof(
  fc.record({ number, wire: fc.constant(0), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
  fc.record({ number, wire: fc.constant(2), value: bytes(0, 300) }),
  fc.record({ number, wire: fc.constant(1), value: bytes(8, 8) }),
  fc.record({ number, wire: fc.constant(5), value: bytes(4, 4) }),
);

describe('protobuf', () => {
  it('is read as it is written in the documentation of the format', () => {
    expect(decode(Buffer.from('089601', 'hex'))).toEqual([numberField(1, 150)]);
    expect(decode(Buffer.from('120774657374696e67', 'hex'))).toEqual([bytesField(2, 'testing')]);
    expect(encode([numberField(1, 150), bytesField(2, 'testing')]).toString('hex')).toBe('089601120774657374696e67');
  });

  it('comes out as it went in, whatever it holds', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 8 }), (fields) => {
        expect(decode(encode(fields))).toEqual(fields);
      }),
    );
  });

  it('is kept byte for byte, also where a number is negative', () => {
    const minusOne = Buffer.from('08ffffffffffffffffff01', 'hex');
    expect(encode(decode(minusOne))).toEqual(minusOne);
  });

  it.each(['08', '0880', '12', '1205aa', '0d0000', '0900', '0b', '0f', '08ffffffffffffffffffff01'])('is not %s', (hex) => {
    expect(() => decode(Buffer.from(hex, 'hex'))).toThrow(RangeError);
  });

  it('reads what is not there as nothing, and changes what is', () => {
    const fields = [numberField(1, 5), bytesField(2, 'x'), numberField(3, 7)];
    expect([numberOf(fields, 1), numberOf(fields, 9), bytesOf(fields, 2).toString(), bytesOf(fields, 9).length]).toEqual([5, 0, 'x', 0]);
    expect(withNumbers(fields, { 3: 8 })).toEqual([numberField(1, 5), bytesField(2, 'x'), numberField(3, 8)]);
    expect(fields[2]).toEqual(numberField(3, 7));
  });
});
