const pattern = /^0x(?:[0-9a-f]{2})*$/

/** The bytes of a lower-case `0x…` text; throws a TypeError for anything else, odd lengths and upper case included. */
export function hexToBytes(hex: string): Uint8Array {
  if (!pattern.test(hex)) throw new TypeError('not lower-case 0x hex of whole bytes')
  return new Uint8Array(Buffer.from(hex.slice(2), 'hex'))
}

/** Lower-case `0x…` text of the bytes. */
export function bytesToHex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`
}

/** Whether two byte strings are equal. Not constant time: nothing here is secret. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
