/** The order n of the group of P-256 (FIPS 186-5), and its half. */
const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')
const halfOrder = Buffer.from('7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8', 'hex')

/** The 64 bytes r ‖ s of a P-256 signature in DER, as OpenSSL and most KMS print it. Throws RangeError for other bytes. */
export function fromDer(der: Uint8Array): Uint8Array {
  const signature = new Uint8Array(64)
  if (der[0] !== 0x30 || der[1] !== der.length - 2) throw new RangeError('not an ECDSA signature in DER')
  const end = copyInteger(der, 2, signature, 0)
  if (copyInteger(der, end, signature, 32) !== der.length)
    throw new RangeError('not an ECDSA signature in DER')
  return signature
}

/** Copies the DER integer at `at` into the 32 bytes at `place` and returns the offset behind it. */
function copyInteger(der: Uint8Array, at: number, signature: Uint8Array, place: number): number {
  const length = der[at + 1] ?? 0
  const end = at + 2 + length
  const start = der[at + 2] === 0 ? at + 3 : at + 2
  if (der[at] !== 0x02 || length === 0 || end > der.length || end - start > 32) {
    throw new RangeError('not an ECDSA signature in DER')
  }
  signature.set(der.subarray(start, end), place + 32 - (end - start))
  return end
}

/** The DER form of the 64 bytes r ‖ s. */
export function toDer(signature: Uint8Array): Uint8Array {
  const r = derInteger(signature.subarray(0, 32))
  const s = derInteger(signature.subarray(32, 64))
  return Buffer.concat([Uint8Array.of(0x30, r.length + s.length), r, s])
}

function derInteger(bytes: Uint8Array): Uint8Array {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const sign = (bytes[start] ?? 0) >= 0x80 ? [0] : []
  return Uint8Array.of(0x02, sign.length + bytes.length - start, ...sign, ...bytes.subarray(start))
}

/**
 * The twin of a signature r ‖ s with the smaller s. Both (r, s) and (r, n − s) verify under ECDSA; we only ever issue
 * the smaller, so a second spelling of one of our receipts is known to be somebody else's work.
 */
export function toLowS(signature: Uint8Array): Uint8Array {
  const s = Buffer.from(signature.buffer, signature.byteOffset + 32, 32)
  if (s.compare(halfOrder) <= 0) return signature
  const twin = Uint8Array.from(signature)
  let borrow = 0
  for (let at = 31; at >= 0; at--) {
    const difference = order.readUInt8(at) - s.readUInt8(at) - borrow
    twin[32 + at] = difference
    borrow = difference < 0 ? 1 : 0
  }
  return twin
}
