import type { IncomingMessage } from 'node:http'
import { Fault } from '@tallystick/protocol'
import type { FastifyRequest } from 'fastify'
import type { TakenBody, Upload } from './api.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body of a route that is handed on as bytes. */
    takes?: TakenBody
    /** How long its sender may pause. */
    pauseMs?: number
  }
}

/** The body of a route that takes bytes. Throws Fault `bad_request` for any other request. */
export function readUpload(request: FastifyRequest): Upload {
  const { takes, pauseMs = 60_000 } = request.routeOptions.config
  if (!takes) throw new Fault('bad_request', { detail: 'This takes a body of bytes: send it over REST' })
  return { mediaType: mediaTypeOf(request), bytes: bytesOf(request.raw, takes.maxBytes, pauseMs) }
}

/** Throws Fault for a body that the route does not take, before anything of it is read. */
export function checkUpload(request: FastifyRequest, { types, maxBytes }: TakenBody): void {
  const coding = request.headers['content-encoding'] ?? 'identity'
  if (coding !== 'identity' || !Object.hasOwn(types, mediaTypeOf(request))) {
    const known = Object.keys(types).join(', ')
    throw new Fault('unsupported_media_type', { detail: `The body is sent uncompressed as one of ${known}` })
  }
  if (maxBytes !== undefined && Number(request.headers['content-length'] ?? 0) > maxBytes)
    throw tooLong(maxBytes)
}

/** The body's bytes. A sender that stops is refused in the end; one that waits for us is not. */
async function* bytesOf(
  request: IncomingMessage,
  maxBytes: number | undefined,
  pauseMs: number,
): AsyncGenerator<Uint8Array> {
  // Left early, the stream must live on: destroyed, it would take the answer along.
  const pieces = request.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]()
  let size = 0
  try {
    for (;;) {
      const piece = await inTime(pieces.next(), pauseMs)
      if (piece.done) return
      const bytes = piece.value as Uint8Array
      size += bytes.length
      if (maxBytes !== undefined && size > maxBytes) throw tooLong(maxBytes)
      yield bytes
    }
  } catch (error) {
    if (error instanceof Fault || !request.destroyed) throw error
    throw new Fault('bad_request', { detail: 'The sender went away amid the body', cause: error })
  } finally {
    // Most senders read the answer only when all is sent. Not awaited: one that stopped would be waited for.
    void pieces.return?.().then(() => request.resume())
  }
}

async function inTime<T>(coming: Promise<T>, waitMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Fault('request_timeout')), waitMs)
  try {
    return await Promise.race([coming, late])
  } finally {
    clearTimeout(timer)
  }
}

function tooLong(maxBytes: number): Fault {
  return new Fault('payload_too_large', { detail: `The body is longer than ${maxBytes} bytes` })
}

function mediaTypeOf({ headers }: FastifyRequest): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}
