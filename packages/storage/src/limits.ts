/** What a store takes, the same in every adapter. Sizes are bytes of BSON, as `encode` writes it. */
export const limits = {
  documentBytes: 1024 * 1024,
  commitWrites: 4096,
  commitBytes: 12 * 1024 * 1024,
  insertManyDocuments: 10_000,
  indexedBytes: 1024,
  pageDocuments: 1000,
  depth: 64,
} as const
