/** A TrueType file of tables; its checksums are made anew (OpenType, "Calculating checksums"). */
export function writeSfnt(tables: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const sorted = [...tables].toSorted(([one], [other]) => (one < other ? -1 : 1))
  const directoryBytes = 12 + 16 * sorted.length
  const total = sorted.reduce((sum, [, { length }]) => sum + padded(length), directoryBytes)
  const file = Buffer.alloc(total)
  const power = Math.floor(Math.log2(sorted.length))
  file.writeUInt32BE(0x00_01_00_00, 0)
  file.writeUInt16BE(sorted.length, 4)
  file.writeUInt16BE(16 * 2 ** power, 6)
  file.writeUInt16BE(power, 8)
  file.writeUInt16BE(16 * (sorted.length - 2 ** power), 10)
  let at = directoryBytes
  for (const [place, [tag, table]] of sorted.entries()) {
    file.set(table, at)
    if (tag === 'head') file.writeUInt32BE(0, at + 8)
    const entry = 12 + 16 * place
    file.write(tag, entry, 'latin1')
    file.writeUInt32BE(checksum(file.subarray(at, at + padded(table.length))), entry + 4)
    file.writeUInt32BE(at, entry + 8)
    file.writeUInt32BE(table.length, entry + 12)
    at += padded(table.length)
  }
  const head = file.readUInt32BE(12 + 16 * sorted.findIndex(([tag]) => tag === 'head') + 8)
  file.writeUInt32BE((0xb1_b0_af_ba - checksum(file)) >>> 0, head + 8)
  return file
}

const padded = (length: number) => Math.ceil(length / 4) * 4

function checksum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 4) sum = (sum + bytes.readUInt32BE(at)) >>> 0
  return sum
}
