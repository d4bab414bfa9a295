import { serialize } from 'bson'
import type { Document } from './collection.ts'
import { decodeBson } from './decode-bson.ts'

/**
 * The BSON of a document, without its `version` (which the store keeps). An `undefined` field is absent. A number is
 * written as int32 or double, a bigint as int64, a Uint8Array as binary, a Date as a UTC date.
 */
export function encode(document: Document): Uint8Array {
  if (!('version' in document)) return serialize(document)
  const { version: _, ...body } = document
  return serialize(body)
}

/** Reads what `encode` wrote: numbers come back as number, int64 as bigint, bytes as Uint8Array (a Buffer). */
export function decode(bytes: Uint8Array): Document {
  return decodeBson(bytes) as Document
}
