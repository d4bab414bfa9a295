import { hash } from 'node:crypto'
import { Fault } from '@tallystick/protocol'
import type { BoundText, FieldError } from '@tallystick/protocol'
import { replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { templates, templateVersions } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { parseText, renderText } from './render-text.ts'
import type { TextResult } from './render-text.ts'

/** The legal text that an agreement or an offer asks for. */
export interface TextChoice {
  template: string
  /** The latest unless told. */
  version?: number | undefined
  variables: Readonly<Record<string, string>>
}

/**
 * Renders a version of a template and binds it: `bound` belongs into the agreement, `writes` into its commit, which
 * make the version immutable from then on. Throws Fault `reference_not_found` or `validation_failed` with pointers
 * below `pointer`, the place of the choice in the request.
 */
export async function bindText(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  choice: TextChoice,
  pointer = '/legal_text',
): Promise<{ bound: BoundText; text: string; writes: Write[] }> {
  const missing = (field: string) =>
    new Fault('reference_not_found', {
      errors: [{ pointer: `${pointer}/${field}`, message: 'there is no such template' }],
    })
  const template = await store.get(templates, choice.template)
  if (template?.tenant !== tenant) throw missing('template')
  const found = await store.get(templateVersions, versionId(template.id, choice.version ?? template.latest))
  if (!found) throw missing('version')
  const { version: stored, ...version } = found

  const parts = accepted(parseText(version.text), pointer)
  const text = accepted(renderText(parts, choice.variables), pointer)
  const bound = {
    template: template.id,
    version: version.number,
    variables: { ...choice.variables },
    text_hash: textHash(text),
  }
  // Replaced at the version that was read: a text that changes meanwhile makes the commit start over.
  const writes = version.used ? [] : [replace(templateVersions, { ...version, used: true }, stored)]
  return { bound, text, writes }
}

/** The id of one version of a template. */
export function versionId(template: string, number: number): string {
  return `${template}:${number}`
}

/** SHA-256 of a text in UTF-8, as `sha256:…`. */
export function textHash(text: string): string {
  return `sha256:${hash('sha256', text, 'hex')}`
}

function accepted<T>(result: TextResult<T>, pointer: string): T {
  if (result.valid) return result.value
  const errors: FieldError[] = result.errors.map((error) => ({ ...error, pointer: pointer + error.pointer }))
  throw new Fault('validation_failed', { errors })
}
