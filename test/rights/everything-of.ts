import { until } from '@tallystick/runtime/test-http'
import type { ApiOperation } from './api-document.ts'
import type { Holdings } from './furnish.ts'
import { requestTo } from './requests.ts'
import type { Market, RightsWorld } from './rights-world.ts'

/** What a marketplace is told of all its objects, by path; the same as long as nothing changes. */
export async function everythingOf(
  { operations, call }: RightsWorld,
  { key }: Market,
  holdings: Holdings,
): Promise<Map<string, string>> {
  const seen = new Map<string, string>()
  const look = async (path: string) => {
    const { status, text } = await call('GET', path, { key })
    const told = text.replaceAll(/"(last_used_at|server_time)":"[^"]*"/g, '"$1":"-"')
    seen.set(path, `${status} ${status < 300 ? told : ''}`)
  }
  for (const list of listRoutes(operations)) await look(wholeList(list, holdings))
  for (const operation of idRoutes(operations).filter(isStill))
    for (const id of ownIds(operation, holdings)) await look(requestTo(operation, () => id).path)
  return seen
}

/** Waits until the audit service has recorded all that the marketplace did so far. */
export async function receiptsCame(
  { call }: RightsWorld,
  { key }: Market,
  holdings: Holdings,
): Promise<void> {
  for (const id of holdings.get('aud') ?? []) {
    await until(async () => {
      const { status } = await call('GET', `/v1/audit/${id}`, { key })
      return status === 200 ? true : undefined
    })
  }
}

/** Routes with an id in their path. */
export function idRoutes(operations: readonly ApiOperation[]): ApiOperation[] {
  return operations.filter(({ idFields }) => idFields.some(({ place }) => place === 'path'))
}

/** Lists of a marketplace's own objects. */
export function listRoutes(operations: readonly ApiOperation[]): ApiOperation[] {
  return operations.filter(
    ({ method, path, takesLimit, scope }) =>
      method === 'GET' && takesLimit && scope !== 'public' && !path.includes('{'),
  )
}

/** The path of a list's longest page. */
export function wholeList(list: ApiOperation, holdings: Holdings): string {
  const [required] = Object.keys(list.query)
  const field = list.idFields.find(({ path }) => path[0] === required)
  const id = [...(holdings.get(field?.prefixes[0] ?? '') ?? [])].at(-1)
  const { path } = requestTo(list, () => undefined, field && id !== undefined ? { field, id } : undefined)
  return `${path}${path.includes('?') ? '&' : '?'}limit=100`
}

/** Some of the marketplace's ids that an operation takes in its path. */
export function ownIds({ idFields }: ApiOperation, holdings: Holdings): string[] {
  const field = idFields.find(({ place }) => place === 'path')
  const ids = field?.prefixes.flatMap((prefix) => [...(holdings.get(prefix) ?? [])]) ?? []
  return ids.slice(0, 5)
}

/** A proof is made for the newest checkpoint, whoever made that grow; an export tells when it was made. */
function isStill({ method, path }: ApiOperation): boolean {
  return method === 'GET' && !/\/(proof|evidence|export|loss)$|\/proofs\//.test(path)
}
