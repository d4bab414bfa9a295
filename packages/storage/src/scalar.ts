/** What an index key may hold. In an index an absent field counts as null, and null comes first. */
export type Scalar = string | number | bigint | boolean | Date | Uint8Array | null
