import { createHash } from 'node:crypto'
import { contentHash, formatContentHash, idSchema } from '@tallystick/protocol'
import { z } from 'zod'
import { api } from '../api.ts'
import { exportLicense } from './export-license.ts'

const format = z.enum(['rsl', 'odrl', 'cawg', 'croissant'])
const input = z.strictObject({ license_id: idSchema('license'), format })
const loss = z.strictObject({ pointer: z.string(), what: z.string(), narrowed: z.string() })
const told = {
  license: idSchema('license'),
  format,
  content_type: z.string(),
  /** SHA-256 of the document in UTF-8. */
  document_hash: contentHash,
}
const example = { input: { license_id: 'lic_01kqxq5t8r0000000000000000', format: 'rsl' } }

/** A license in the formats of others. */
export const exportRoutes = {
  export: api
    .procedure({
      tags: ['Licenses'],
      summary: 'A license as RSL 1.0, ODRL 2.2, CAWG 1.1 or Croissant 1.1',
      description:
        'Answers the document itself, or, for Accept: application/json, the document with its loss report. No export grants more than the license; one that is not active is exported as a prohibition. The same version of a license is the same bytes: ETag is the SHA-256 of the document, and If-None-Match with it is answered by 304.',
      scope: 'licenses:read',
      errors: ['license_not_found'],
      rest: {
        method: 'GET',
        path: '/v1/licenses/{license_id}/export',
        produces: ['application/rsl+xml', 'application/ld+json'],
      },
      examples: [example],
    })
    .input(input)
    .output(
      z.strictObject({
        object: z.literal('license_export'),
        ...told,
        document: z.string(),
        loss: z.array(loss),
      }),
    )
    .query(async ({ ctx, input: wanted }) => {
      const made = await exportLicense(ctx.deps, ctx.caller, wanted)
      const { document, contentType } = made
      const about = tellOf(wanted, made)
      if (!ctx.requestHeader('accept')?.startsWith('application/json')) {
        const tag = `"${about.document_hash}"`
        ctx.answer.header('etag', tag)
        ctx.answer.header('vary', 'accept')
        const known = isNamed(ctx.requestHeader('if-none-match'), tag)
        if (known) ctx.answer.status(304)
        ctx.answer.raw(contentType, known ? '' : document)
      }
      return { object: 'license_export' as const, ...about, document, loss: made.loss }
    }),

  exportLoss: api
    .procedure({
      tags: ['Licenses'],
      summary: 'What an export of a license cannot say',
      description: 'Each entry points into the license and tells how the export was narrowed for it.',
      scope: 'licenses:read',
      errors: ['license_not_found'],
      rest: { method: 'GET', path: '/v1/licenses/{license_id}/export/loss' },
      examples: [example],
    })
    .input(input)
    .output(z.strictObject({ object: z.literal('export_loss'), ...told, data: z.array(loss) }))
    .query(async ({ ctx, input: wanted }) => {
      const made = await exportLicense(ctx.deps, ctx.caller, wanted)
      return { object: 'export_loss' as const, ...tellOf(wanted, made), data: made.loss }
    }),
}

/** Whether If-None-Match names the tag (RFC 9110, 13.1.2); a proxy may have made it a weak one. */
function isNamed(header: string | undefined, tag: string): boolean {
  return (header ?? '').split(',').some((one) => ['*', tag, `W/${tag}`].includes(one.trim()))
}

function tellOf(wanted: z.infer<typeof input>, made: { contentType: string; document: string }) {
  return {
    license: wanted.license_id,
    format: wanted.format,
    content_type: made.contentType,
    document_hash: formatContentHash(createHash('sha256').update(made.document).digest()),
  }
}
