import { idSchema, listOf, pageInput, template, templateInput, templateUpdate } from '@tallystick/protocol'
import { operators } from '@tallystick/runtime'
import { z } from 'zod'
import { api } from '../api.ts'
import { exampleIds } from './examples.ts'
import { requireVersion, templateView } from './find-template.ts'
import { listTemplates, listVersions } from './list-templates.ts'
import { createTemplate, updateTemplate } from './publish-template.ts'

const tags = ['Legal texts']
const templateId = { template_id: idSchema('template') }
const versionInput = z.strictObject({ ...templateId, version: z.int().positive().optional() })
const example = { template_id: exampleIds.template }

/** `/v1/templates`. */
export const templateRoutes = {
  create: api
    .procedure({
      ...operators,
      tags,
      summary: 'Publish a legal text',
      description: 'With variables as `{{name}}`. A literal `{{` cannot be written.',
      scope: 'catalog:write',
      idempotency: 'accepted',
      rest: { method: 'POST', path: '/v1/templates', status: 201 },
      examples: [{ input: { name: 'Standard license', text: '{{buyer}} may train models on the data.' } }],
    })
    .input(templateInput)
    .output(template)
    .mutation(({ ctx, input }) => ctx.once(() => createTemplate(ctx.deps, ctx.caller, input))),

  list: api
    .procedure({
      tags,
      summary: 'List legal texts in their latest versions, newest first',
      scope: 'catalog:read',
      rest: { method: 'GET', path: '/v1/templates' },
      examples: [{ input: { limit: 10 } }],
    })
    .input(z.strictObject(pageInput))
    .output(listOf(template))
    .query(({ ctx, input }) => listTemplates(ctx.deps, ctx.caller, input)),

  get: api
    .procedure({
      tags,
      summary: 'A legal text, in its latest version unless told',
      scope: 'catalog:read',
      errors: ['not_found'],
      rest: { method: 'GET', path: '/v1/templates/{template_id}' },
      examples: [{ input: { ...example, version: 1 } }],
    })
    .input(versionInput)
    .output(template)
    .query(async ({ ctx, input }) => {
      const found = await requireVersion(ctx.deps, ctx.caller.tenant, input.template_id, input.version)
      return templateView(ctx.deps.livemode, found.template, found.version)
    }),

  update: api
    .procedure({
      ...operators,
      tags,
      summary: 'Change a legal text',
      description:
        'A version that an agreement or offer uses stays for ever: a new text is then the next version.',
      scope: 'catalog:write',
      idempotency: 'accepted',
      errors: ['not_found'],
      rest: { method: 'POST', path: '/v1/templates/{template_id}' },
      examples: [{ input: { ...example, text: '{{buyer}} may evaluate models on the data.' } }],
    })
    .input(templateUpdate.extend(templateId))
    .output(template)
    .mutation(({ ctx, input: { template_id, ...change } }) =>
      ctx.once(() => updateTemplate(ctx.deps, ctx.caller, template_id, change)),
    ),

  versions: api
    .procedure({
      tags,
      summary: 'List the versions of a legal text, newest first',
      scope: 'catalog:read',
      errors: ['not_found'],
      rest: { method: 'GET', path: '/v1/templates/{template_id}/versions' },
      examples: [{ input: example }],
    })
    .input(z.strictObject({ ...templateId, ...pageInput }))
    .output(listOf(template))
    .query(({ ctx, input }) => listVersions(ctx.deps, ctx.caller, input.template_id, input)),

  text: api
    .procedure({
      tags,
      summary: 'The raw text of a version',
      description: 'As plain text: its SHA-256 is `text_hash` of the version.',
      scope: 'catalog:read',
      errors: ['not_found'],
      rest: { method: 'GET', path: '/v1/templates/{template_id}/text', produces: ['text/plain'] },
      examples: [{ input: example }],
    })
    .input(versionInput)
    .output(z.string())
    .query(async ({ ctx, input }) => {
      const { version } = await requireVersion(ctx.deps, ctx.caller.tenant, input.template_id, input.version)
      ctx.answer.raw('text/plain; charset=utf-8', version.text)
      return version.text
    }),
}
