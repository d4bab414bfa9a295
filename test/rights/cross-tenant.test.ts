import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Mode } from '@tallystick/runtime'
import type { HttpAnswer } from '@tallystick/runtime/test-http'
import type { ApiOperation, IdField } from './api-document.ts'
import { everythingOf, idRoutes, listRoutes, ownIds, receiptsCame, wholeList } from './everything-of.ts'
import { furnish, idsIn } from './furnish.ts'
import type { Holdings } from './furnish.ts'
import { missingId, requestTo, sentBody } from './requests.ts'
import { startRightsWorld } from './rights-world.ts'
import type { Market, RightsWorld } from './rights-world.ts'

const modes = ['test', 'live'] as const
interface Victim {
  market: Market
  holdings: Holdings
  /** What the marketplace's own lists and objects told before anyone else asked. */
  before: Map<string, string>
}
let world: RightsWorld
let victims: Record<Mode, Victim>

beforeAll(async () => {
  world = await startRightsWorld()
  const victim = async (mode: Mode): Promise<Victim> => {
    const market = await world.found('The victim', mode)
    const holdings = await furnish(world, market)
    await receiptsCame(world, market, holdings)
    return { market, holdings, before: await everythingOf(world, market, holdings) }
  }
  victims = { test: await victim('test'), live: await victim('live') }
})
afterAll(() => world.close())

const byId = () => idRoutes(world.operations)
// What is public is nobody's own.
const reads = () => byId().filter(({ method, scope }) => method === 'GET' && scope !== 'public')
const others = () => world.operations.filter((one) => !byId().includes(one))
const reading = () => others().filter(({ method }) => method === 'GET')
const making = () => others().filter(({ method }) => method !== 'GET')
const lists = () => listRoutes(world.operations)

test('the marketplace reads every kind of its objects by id', async () => {
  const { market, holdings } = victims.test
  const complaints: string[] = []
  for (const operation of reads()) {
    const [id] = ownIds(operation, holdings)
    // What billing makes needs money to have moved; its routes are tried with ids of nothing.
    if (id === undefined && operation.name.startsWith('billing.')) continue
    const { status, text } = await world.call('GET', requestTo(operation, () => id).path, { key: market.key })
    const good = status === 200 || (status === 409 && operation.codes.has('proof_pending'))
    // A license without a legal text of its own has none to show, and only an export has data.
    const lacks = /\/text$|dsr_.*\/export$/.test(requestTo(operation, () => id).path) && status < 500
    if (!good && !lacks) complaints.push(`${operation.name} ${id}: ${status} ${text.slice(0, 200)}`)
  }
  expect(complaints).toEqual([])
})

interface Attack {
  /** Asks with ids that it must not see. */
  key: string
  /** One of the same kind, which asks the same with ids of nothing: so both marketplaces become the same. */
  twin: string
  holdings: Holdings
}
/** Keys that must see nothing, with the ids that they must not see. */
const attacks: [name: string, of: () => Promise<Attack>, own: boolean][] = [
  ...modes.flatMap((keyMode) =>
    modes.map((idMode): [string, () => Promise<Attack>, boolean] => [
      `a stranger's ${keyMode} key with ${idMode} ids`,
      async () => {
        const { key } = await world.found('A stranger', keyMode)
        const { key: twin } = await world.found('A stranger', keyMode)
        return { key, twin, holdings: victims[idMode].holdings }
      },
      false,
    ]),
  ),
  ...modes.map((mode): [string, () => Promise<Attack>, boolean] => {
    const other = mode === 'test' ? 'live' : 'test'
    return [
      `the marketplace's own ${mode} key with its ${other} ids`,
      async () => {
        const { key } = victims[mode].market
        return { key, twin: key, holdings: victims[other].holdings }
      },
      true,
    ]
  }),
]

/** An answer without what two answers to the same question differ in anyhow. */
function plain({ status, text }: HttpAnswer, id: string): string {
  const named = text.replaceAll(id, '<id>').replaceAll(encodeURIComponent(id), '<id>')
  if (status >= 400) return `${status} ${named.replace(/"request_id":"[^"]*"/, '"request_id":"-"')}`
  const masked = idsIn(named).reduce((text, [prefix, found]) => text.replaceAll(found, `<${prefix}>`), named)
  return `${status} ${masked
    .replaceAll(/"\d{4}-\d\d-\d\dT[^"]*"/g, '"-"')
    .replaceAll(/"(secret|receipt|next_cursor|subject_salt)":"[^"]*"/g, '"$1":"-"')
    .replaceAll(/"(iat|merge_by|last4|index|size)":("[^"]*"|\d+)/g, '"$1":0')}`
}

async function probe(operation: ApiOperation, field: IdField, key: string, id: string): Promise<HttpAnswer> {
  const request = requestTo(operation, () => undefined, { field, id })
  return world.call(operation.method, request.path, { key, ...sentBody(request) })
}

describe.each(attacks)('%s', (_name, of, own) => {
  test('finds nothing in lists, by filters or by cursors', async () => {
    const { key, holdings } = await of()
    const complaints: string[] = []
    for (const operation of lists()) {
      const whole = wholeList(operation, holdings)
      const cursors = await victimsCursors(operation)
      for (const path of [whole, ...cursors.map((cursor) => `${whole}&starting_after=${cursor}`)]) {
        const answer = await world.call('GET', path, { key })
        const leaked = answer.status === 200 ? leakedBy(answer, holdings, '') : []
        if (answer.status >= 500 || leaked.length > 0)
          complaints.push(`${path}: ${answer.status} ${leaked.join()}`)
      }
    }
    expect(complaints).toEqual([])
  })

  test('gets the same answer as for an id of nothing, byte for byte', async () => {
    const { key, twin, holdings } = await of()
    const complaints: string[] = []
    let compared = 0
    // The marketplace's own key would make objects of its own by routes without an id in their path.
    const operations = own ? byId() : [...byId(), ...reading(), ...making()]
    for (const operation of operations.filter(({ scope }) => scope !== 'public')) {
      for (const field of operation.idFields.filter(({ place }) => !own || place === 'path')) {
        for (const prefix of field.prefixes) {
          const id = [...(holdings.get(prefix) ?? [])].at(-1)
          if (id === undefined) continue
          const missing = missingId(prefix)
          const real = await probe(operation, field, key, id)
          const none = await probe(operation, field, field.place === 'path' ? key : twin, missing)
          compared++
          const where = `${operation.name} ${field.place} ${field.path.join('/')}`
          if (field.place === 'path' && real.status !== 404 && operation.scope !== 'service')
            complaints.push(`${where}: ${real.status} ${real.text.slice(0, 200)}`)
          if (plain(real, id) !== plain(none, missing))
            complaints.push(
              `${where}:\n  ${plain(real, id).slice(0, 400)}\n  ${plain(none, missing).slice(0, 400)}`,
            )
          const leaked = leakedBy(real, holdings, id)
          if (leaked.length > 0) complaints.push(`${where} tells of ${leaked.join()}`)
        }
      }
    }
    expect(complaints).toEqual([])
    expect(compared).toBeGreaterThan(30)
  })
})

async function victimsCursors(list: ApiOperation): Promise<string[]> {
  const cursors: string[] = []
  for (const mode of modes) {
    const { market, holdings } = victims[mode]
    const path = wholeList(list, holdings).replace('limit=100', 'limit=1')
    const { json } = await world.call('GET', path, { key: market.key })
    const cursor = typeof json === 'object' && json !== null ? Reflect.get(json, 'next_cursor') : undefined
    if (typeof cursor === 'string') cursors.push(encodeURIComponent(cursor))
  }
  return cursors
}

/** Ids of the victim in an answer to somebody else, other than the one that was asked for. */
function leakedBy({ text }: HttpAnswer, holdings: Holdings, asked: string): string[] {
  return (
    idsIn(text)
      // A content hash is no secret: it is of the content, whoever registers it.
      .filter(([prefix, id]) => prefix !== 'sha256' && id !== asked && holdings.get(prefix)?.has(id) === true)
      .filter(([prefix]) => prefix !== 'req')
      .map(([, id]) => id)
  )
}

test.each(modes)('nothing of the marketplace in %s mode has changed', async (mode) => {
  const { market, holdings, before } = victims[mode]
  expect(Object.fromEntries(await everythingOf(world, market, holdings))).toEqual(Object.fromEntries(before))
})
