import { accountRole, newApiKey, account as accountView } from '@tallystick/protocol'
import type { AccountRole } from '@tallystick/protocol'
import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import type { HttpAnswer } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ApiOperation } from './api-document.ts'
import { idRoutes, listRoutes, ownIds, wholeList } from './everything-of.ts'
import { furnish, idsIn } from './furnish.ts'
import type { Holdings } from './furnish.ts'
import { requestTo, sentBody } from './requests.ts'
import { startRightsWorld } from './rights-world.ts'
import type { Market, RightsWorld } from './rights-world.ts'

let world: RightsWorld
let market: Market
let holdings: Holdings
/** For each role the key of an account that is a party of nothing, with every scope. */
let keys: Record<AccountRole, string>

beforeAll(async () => {
  world = await startRightsWorld()
  market = await world.found('A market', 'test')
  holdings = await furnish(world, market)
  const scopes = [...new Set(guarded().map(({ scope }) => scope))].filter((scope) => scope !== 'any')
  const key = async (role: AccountRole) => {
    const sent = (body: object) => ({ key: market.key, body })
    const made = await world.call('POST', '/v1/accounts', sent({ role, name: 'Nobody in particular' }))
    const { id: account } = readAnswer(accountView, made, 201)
    const answer = await world.call('POST', '/v1/api-keys', sent({ name: 'all', account, scopes }))
    return readAnswer(newApiKey, answer, 201).secret ?? ''
  }
  keys = {
    auditor: await key('auditor'),
    developer: await key('developer'),
    creator: await key('creator'),
    operator: await key('operator'),
  }
})
afterAll(() => world.close())

const guarded = () =>
  world.operations.filter(({ scope }) => !['public', 'service', 'platform'].includes(scope))
const latest = (prefix: string) => [...(holdings.get(prefix) ?? [])].at(-1)
const refused = (answer: HttpAnswer) => (answer.status === 403 ? problemOf(answer) : undefined)

/** Examples that ask for more than who sends them may have, whose role may call the route. */
const beyond: Readonly<Record<string, readonly AccountRole[]>> = {
  // A key of another account, which an auditor sees.
  'identity.apiKeys.rotate': ['auditor'],
  'identity.apiKeys.revoke': ['auditor'],
  // In the name of others.
  'licensing.licenses.create': ['developer', 'creator'],
  'licensing.offers.create': ['creator'],
  'licensing.subjectRequests.create': ['auditor', 'developer', 'creator'],
  'audit.record': ['developer', 'creator'],
  // With prices of their own choice.
  'billing.subscriptions.create': ['developer', 'creator'],
}

test('each route refuses just the roles that its definition leaves out, whatever their scopes', async () => {
  const complaints: string[] = []
  for (const operation of guarded()) {
    const { path, ...request } = requestTo(operation, latest)
    for (const role of accountRole.options.toReversed()) {
      const answer = await world.call(operation.method, path, {
        key: keys[role],
        ...sentBody({ path, ...request }),
      })
      const { code, detail } = refused(answer) ?? {}
      const where = `${operation.name} by ${role}: ${answer.status} ${detail}`
      const byRole = detail === `Only a key of the role ${operation.roles.join(' or ')} may do this`
      if (
        !operation.roles.includes(role)
          ? !byRole
          : code !== undefined && !beyond[operation.name]?.includes(role)
      )
        complaints.push(where)
    }
  }
  expect(complaints).toEqual([])
})

/** What a marketplace shows to all who trade there. */
const onShow = new Set(['item', 'ds', 'sha256', 'offer', 'tmpl', 'price', 'plan', 'meter'])

test.each(['developer', 'creator'] as const)(
  'a %s who is a party of nothing finds nothing of others',
  async (role) => {
    const complaints: string[] = []
    const look = async (operation: ApiOperation, path: string) => {
      const answer = await world.call('GET', path, { key: keys[role] })
      const found = idsIn(answer.text).filter(
        ([prefix, id]) =>
          !onShow.has(prefix) &&
          // What is on show names its receipt, which is another's to read.
          (prefix !== 'aud' || operation.name.startsWith('audit.')) &&
          !path.includes(id) &&
          holdings.get(prefix)?.has(id) === true,
      )
      if (answer.status < 300 && found.length > 0)
        complaints.push(`${operation.name} ${path}: ${found.join(' ')}`)
      return answer
    }
    for (const list of listRoutes(guarded())) await look(list, wholeList(list, holdings))
    for (const operation of idRoutes(guarded()).filter(({ method }) => method === 'GET'))
      for (const id of ownIds(operation, holdings)) {
        const { status } = await look(operation, requestTo(operation, () => id).path)
        const [prefix = ''] = id.split(/[_:]/)
        if (status < 300 && !onShow.has(prefix)) complaints.push(`${operation.name} ${id}: ${status}`)
      }
    expect(complaints).toEqual([])
  },
)
