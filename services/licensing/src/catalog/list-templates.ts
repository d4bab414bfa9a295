import type { Page, PageInput } from '@tallystick/protocol'
import { listPage } from '@tallystick/runtime'
import type { Caller } from '@tallystick/runtime'
import { templates, templateVersions } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { versionId } from './bind-text.ts'
import { requireVersion, templateView } from './find-template.ts'
import type { Template } from './find-template.ts'

/** A page of legal texts in their latest versions, newest first. */
export async function listTemplates(
  { store, livemode }: Deps,
  { tenant }: Caller,
  input: PageInput,
): Promise<Page<Template>> {
  const page = await listPage(
    { tenant, url: '/v1/templates' },
    input,
    (query) => store.find(templates.byTenant, { equals: [tenant], ...query }),
    (stored) => stored,
  )
  const ids = page.data.map(({ id, latest }) => versionId(id, latest))
  const versions = await store.getMany(templateVersions, ids)
  const data = page.data.flatMap((stored, index) => {
    const version = versions[index]
    return version ? [templateView(livemode, stored, version)] : []
  })
  return { ...page, data }
}

/** A page of the versions of one legal text, newest first. Throws Fault `not_found`. */
export async function listVersions(
  deps: Deps,
  { tenant }: Caller,
  id: string,
  input: PageInput,
): Promise<Page<Template>> {
  const { template } = await requireVersion(deps, tenant, id)
  return listPage(
    { tenant, url: `/v1/templates/${id}/versions` },
    input,
    (query) => deps.store.find(templateVersions.byTemplate, { equals: [tenant, id], ...query }),
    (version) => templateView(deps.livemode, template, version),
  )
}
