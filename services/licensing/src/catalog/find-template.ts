import { Fault } from '@tallystick/protocol'
import type { template } from '@tallystick/protocol'
import type { Stored } from '@tallystick/storage'
import type { z } from 'zod'
import { templates, templateVersions } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { versionId } from './bind-text.ts'

export type Template = z.infer<typeof template>
export type StoredTemplate = z.infer<(typeof templates)['schema']>
export type StoredVersion = z.infer<(typeof templateVersions)['schema']>

/** A version of a template, the latest unless `number` says which. Throws Fault `not_found`. */
export async function requireVersion(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  id: string,
  number?: number,
): Promise<{ template: Stored<StoredTemplate>; version: Stored<StoredVersion> }> {
  const found = await store.get(templates, id)
  if (found?.tenant !== tenant) throw new Fault('not_found')
  const version = await store.get(templateVersions, versionId(id, number ?? found.latest))
  if (!version) throw new Fault('not_found')
  return { template: found, version }
}

/** A version of a template as the API tells it. */
export function templateView(
  livemode: boolean,
  { id, name }: StoredTemplate,
  version: StoredVersion,
): Template {
  return {
    object: 'template',
    id,
    livemode,
    name,
    version: version.number,
    text: version.text,
    text_hash: version.textHash,
    variables: version.variables,
    used: version.used,
    created_at: version.createdAt.toISOString(),
  }
}
