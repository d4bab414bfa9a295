import { Fault } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import { parseText, renderText } from '../catalog/render-text.ts'
import { textHash, versionId } from '../catalog/bind-text.ts'
import { templateVersions } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { findLicense } from './find-license.ts'

/** The legal text of an agreement as it was agreed on, checked against its hash. Throws Fault `not_found` without one. */
export async function licenseText(
  deps: Pick<Deps, 'store' | 'identity'>,
  caller: Caller,
  id: string,
): Promise<{ license: string; template: string; version: number; text_hash: string; text: string }> {
  const { license } = await findLicense(deps, caller, id)
  const { legalText } = license
  if (!legalText) throw new Fault('not_found', { detail: 'The agreement is bound to no legal text' })
  const { template, version, variables, text_hash } = legalText
  const found = await deps.store.get(templateVersions, versionId(template, version))
  const parts = parseText(found?.text ?? '')
  const rendered = parts.valid ? renderText(parts.value, variables) : parts
  if (!rendered.valid || textHash(rendered.value) !== text_hash) {
    throw new Error(`The text of ${id} is not the one that was agreed on`)
  }
  return { license: license.id, template, version, text_hash, text: rendered.value }
}
