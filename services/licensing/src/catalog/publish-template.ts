import { Fault } from '@tallystick/protocol'
import type { TemplateInput, TemplateUpdate } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { announce } from '../announce.ts'
import { templates, templateVersions } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { textHash, versionId } from './bind-text.ts'
import { requireVersion, templateView } from './find-template.ts'
import type { StoredTemplate, StoredVersion, Template } from './find-template.ts'
import { parseText, variablesOf } from './render-text.ts'

/** Plans a new legal text with its first version. Throws Fault `validation_failed` for a text that cannot be read. */
export async function createTemplate(
  deps: Deps,
  caller: Caller,
  { name, text }: TemplateInput,
): Promise<Plan<Template>> {
  const id = deps.newId('template')
  const stored = { id, tenant: caller.tenant, name, latest: 1, createdAt: deps.now() }
  const version = versionOf(deps, stored, 1, text)
  const data = { change: { subject: id, after: version.textHash }, version: 1 }
  const { write } = announce(deps, caller, { kind: 'template.created', data })
  return {
    writes: [insert(templates, stored), insert(templateVersions, version), write],
    answer: templateView(deps.livemode, stored, version),
  }
}

/**
 * Plans a change of a template. A new text takes the place of the latest version while nothing uses it; once an
 * agreement or offer does, that version stays as it is for ever and the text becomes the next one.
 */
export async function updateTemplate(
  deps: Deps,
  caller: Caller,
  id: string,
  input: TemplateUpdate,
): Promise<Plan<Template>> {
  const found = await requireVersion(deps, caller.tenant, id)
  const { version: templateAt, ...template } = found.template
  const { version: latestAt, ...latest } = found.version
  const named = { ...template, name: input.name ?? template.name }
  const writes: Write[] = []
  let after = { template: named, version: latest }
  if (input.text !== undefined && input.text !== latest.text) {
    const number = latest.used ? latest.number + 1 : latest.number
    const version = versionOf(deps, template, number, input.text)
    after = { template: { ...named, latest: number }, version }
    // The template first: who loses a race for the next version starts over, and is not told of a taken id.
    writes.push(replace(templates, after.template, templateAt))
    writes.push(
      latest.used ? insert(templateVersions, version) : replace(templateVersions, version, latestAt),
    )
  } else if (named.name === template.name) {
    return { writes, answer: templateView(deps.livemode, template, latest) }
  } else {
    writes.push(replace(templates, named, templateAt))
  }
  const change = { subject: id, before: latest.textHash, after: after.version.textHash }
  const data = { change, version: after.version.number }
  writes.push(announce(deps, caller, { kind: 'template.updated', data }).write)
  return { writes, answer: templateView(deps.livemode, after.template, after.version) }
}

function versionOf(
  deps: Pick<Deps, 'now'>,
  { id, tenant }: Pick<StoredTemplate, 'id' | 'tenant'>,
  number: number,
  text: string,
): StoredVersion {
  const parsed = parseText(text)
  if (!parsed.valid) throw new Fault('validation_failed', { errors: parsed.errors })
  return {
    id: versionId(id, number),
    tenant,
    template: id,
    number,
    text,
    textHash: textHash(text),
    variables: variablesOf(parsed.value),
    used: false,
    createdAt: deps.now(),
  }
}
