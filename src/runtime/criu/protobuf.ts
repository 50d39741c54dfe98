/** As much of protobuf's wire format as CRIU's images need: fields by number, in order, unknown ones kept as they are. */

export interface Field {
  readonly number: number;
  /** A varint, or the bytes of a string, a message or fixed-width number. */
  readonly value: bigint | Buffer;
  /** 0 varint, 1 and 5 fixed width, 2 bytes. */
  readonly wire: number;
}

/** @throws RangeError for what is not protobuf */
export function decode(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined || shift > 63n) throw new RangeError('not protobuf');
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError('not protobuf');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const [number, wire] = [tag >>> 3, tag & 7];
    const width = FIXED[wire];
    if (wire === VARINT) fields.push({ number, wire, value: varint() });
    else if (wire === BYTES) fields.push({ number, wire, value: take(Number(varint())) });
    else if (width !== undefined) fields.push({ number, wire, value: take(width) });
    else throw new RangeError('not protobuf');
  }
  return fields;
}

export function encode(fields: readonly Field[]): Buffer {
  const parts: Buffer[] = [];
  for (const { number, wire, value } of fields) {
    parts.push(varintBytes(BigInt((number << 3) | wire)));
    if (typeof value === 'bigint') parts.push(varintBytes(value));
    else parts.push(...(wire === BYTES ? [varintBytes(BigInt(value.length))] : []), value);
  }
  return Buffer.concat(parts);
}

export function numberField(number: number, value: number | bigint): Field {
  return { number, wire: VARINT, value: BigInt(value) };
}

export function bytesField(number: number, value: Buffer | string): Field {
  return { number, wire: BYTES, value: Buffer.from(value) };
}

/** The first field with this number as a number; 0 where there is none, as protobuf has it. */
export function numberOf(fields: readonly Field[], number: number): number {
  const value = fields.find((field) => field.number === number)?.value;
  return typeof value === 'bigint' ? Number(value) : 0;
}

export function bytesOf(fields: readonly Field[], number: number): Buffer {
  const value = fields.find((field) => field.number === number)?.value;
  return typeof value === 'bigint' || value === undefined ? Buffer.alloc(0) : value;
}

/** The same fields in the same order, some numbers changed. */
export function withNumbers(fields: readonly Field[], numbers: Readonly<Record<number, number>>): Field[] {
  return fields.map((field) => {
    const value = numbers[field.number];
    return value === undefined ? field : { ...field, value: BigInt(value) };
  });
}

const VARINT = 0;
const BYTES = 2;
const FIXED: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

function varintBytes(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
