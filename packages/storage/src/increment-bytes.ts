/**
 * The BSON of a document after an increment of int64 fields, without decoding it: counting is most of what a busy
 * database writes. The same bytes as `encode(addWithinBounds(decode(bytes), by))`. Undefined for what is not plain:
 * other numbers, results that are no int64, unknown types, broken bytes.
 */
export function incrementBytes(
  bytes: Uint8Array,
  by: Readonly<Record<string, number | bigint>>,
): Uint8Array | undefined {
  const fields = Object.keys(by)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = bytes.length - 1
  if (bytes.length < 5 || view.getInt32(0, true) !== bytes.length || bytes[end] !== 0) return undefined
  const places = new Map<string, number>()
  for (let at = 4; at < end;) {
    const type = bytes[at]
    const name = at + 1
    at = bytes.indexOf(0, name) + 1
    if (at === 0 || at > end) return undefined
    const field = fields.find((one) => isName(bytes, one, name, at - 1))
    if (field !== undefined && type !== int64) return undefined
    if (field !== undefined) places.set(field, at)
    const size = sizeOf(view, type, at)
    if (size === undefined || at + size > end) return undefined
    at += size
  }
  return added(bytes, by, places)
}

const int64 = 0x12

/** The bytes with what is added to the fields at `places`; other fields come last. */
function added(
  bytes: Uint8Array,
  by: Readonly<Record<string, number | bigint>>,
  places: ReadonlyMap<string, number>,
): Uint8Array | undefined {
  const missing = Object.keys(by).filter((field) => !places.has(field))
  const more = missing.reduce((sum, field) => sum + field.length + 10, 0)
  const after = new Uint8Array(bytes.length + more)
  after.set(bytes)
  const view = new DataView(after.buffer)
  view.setInt32(0, after.length, true)
  let last = bytes.length - 1
  for (const [field, delta] of Object.entries(by)) {
    if (typeof delta !== 'bigint' || !isPlain.test(field)) return undefined
    let at = places.get(field)
    const sum = at === undefined ? delta : view.getBigInt64(at, true) + delta
    if (sum !== BigInt.asIntN(64, sum)) return undefined
    if (at === undefined) {
      after[last++] = int64
      for (let place = 0; place < field.length; place++) after[last++] = field.charCodeAt(place)
      after[last++] = 0
      at = last
      last += 8
    }
    view.setBigInt64(at, sum, true)
  }
  after[last] = 0
  return after
}

const isPlain = /^[A-Za-z_][A-Za-z0-9_]*$/

function isName(bytes: Uint8Array, name: string, first: number, last: number): boolean {
  if (name.length !== last - first) return false
  for (let at = 0; at < name.length; at++) if (name.charCodeAt(at) !== bytes[first + at]) return false
  return true
}

/** How many bytes a value takes. */
function sizeOf(view: DataView, type: number | undefined, at: number): number | undefined {
  const length = () => (at + 4 <= view.byteLength ? Math.max(view.getInt32(at, true), 0) : undefined)
  switch (type) {
    case 0x01:
    case 0x09:
    case int64:
      return 8
    case 0x02:
      return plus(length(), 4)
    case 0x03:
    case 0x04:
      return length()
    case 0x05:
      return plus(length(), 5)
    case 0x08:
      return 1
    case 0x0a:
      return 0
    case 0x10:
      return 4
    default:
      return undefined
  }
}

function plus(size: number | undefined, more: number): number | undefined {
  return size === undefined ? undefined : size + more
}
