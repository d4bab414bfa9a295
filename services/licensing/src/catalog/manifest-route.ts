import type { IncomingMessage } from 'node:http'
import { Fault, idSchema } from '@tallystick/protocol'
import { authenticateRequest } from '@tallystick/runtime'
import type { Authenticator } from '@tallystick/runtime'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Deps } from '../deps.ts'
import { requireDataset } from './find-dataset.ts'
import { manifestFormats } from './manifest-formats.ts'
import { requireWriter } from './reach.ts'
import { registerManifest } from './register-manifest.ts'

const idleMs = 60_000
const datasetId = idSchema('dataset')

/**
 * `POST /v1/datasets/{dataset_id}/manifest`: a file of items of any length, streamed. Its format is its content type:
 * `application/x-ndjson`, `text/csv`, or `text/plain` as sha256sum writes it. It is a plain route because the body of
 * a procedure is read as a whole.
 */
export function registerManifestRoute(server: FastifyInstance, deps: Deps, keys: Authenticator): void {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser(Object.keys(manifestFormats), (_request, payload, done) => done(null, payload))

  server.post('/v1/datasets/:dataset_id/manifest', {
    onRequest: async (request) => {
      await requireScope(keys, request)
      requireFormat(request)
    },
    handler: async (request) => {
      const caller = await authenticateRequest(keys, request)
      requireWriter(caller)
      const { id } = await requireDataset(deps, caller, readDatasetId(request))
      const format = manifestFormats[mediaType(request)]
      if (!format) throw unsupported()
      return registerManifest(deps, caller, id, { source: unlessIdle(request.raw), read: format() })
    },
  })
}

/** The body's bytes; a sender that stops for a minute is cut off, one that waits for us is not. */
async function* unlessIdle(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  const watch = () => setTimeout(() => request.destroy(new Error('The sender stopped')), idleMs)
  let timer = watch()
  try {
    for await (const bytes of request as AsyncIterable<Uint8Array>) {
      clearTimeout(timer)
      yield bytes
      timer = watch()
    }
  } finally {
    clearTimeout(timer)
  }
}

async function requireScope(keys: Authenticator, request: FastifyRequest): Promise<void> {
  const caller = await authenticateRequest(keys, request)
  if (!caller.scopes.includes('catalog:write'))
    throw new Fault('forbidden', { detail: 'The key lacks the scope catalog:write' })
}

function requireFormat(request: FastifyRequest): void {
  const coding = request.headers['content-encoding'] ?? 'identity'
  if (coding !== 'identity' || !manifestFormats[mediaType(request)]) throw unsupported()
}

function unsupported(): Fault {
  const types = Object.keys(manifestFormats).join(', ')
  return new Fault('unsupported_media_type', { detail: `A manifest is sent uncompressed as one of ${types}` })
}

function mediaType(request: FastifyRequest): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

function readDatasetId(request: FastifyRequest): string {
  const { dataset_id: id } = request.params as { dataset_id: string }
  const result = datasetId.safeParse(id)
  if (result.success) return result.data
  const message = result.error.issues[0]?.message ?? 'is no id of a dataset'
  throw new Fault('validation_failed', { errors: [{ pointer: '/dataset_id', message }] })
}
