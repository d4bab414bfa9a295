import { hash } from 'node:crypto'
import { Fault } from '@tallystick/protocol'
import type { Page, PageInput } from '@tallystick/protocol'
import { StorageError } from '@tallystick/storage'
import { systemEntropy } from './entropy.ts'

/** Which list a page is of. Its cursors are worth nothing with another tenant's key or on another list. */
export interface ListOf {
  /** Whose list it is; left out for a list that is the same for everyone. */
  tenant?: string | undefined
  /** The path of the list as its caller sees it: `/v1/licenses`. */
  url: string
}

/** What a page of a list with the newest first is found by; spread it into a `Query` of the storage. */
export interface PageQuery {
  order: 'asc' | 'desc'
  limit: number
  after: string | undefined
}

// Not the clock of a test: callers compare their own with it.
const { now } = systemEntropy()

interface Found<T> {
  items: readonly T[]
  next?: string | undefined
}

/**
 * A page of a list with the newest first. `find` is given what to spread into a storage query; `view` makes the wire
 * form of an item. Throws Fault `validation_failed` for a cursor that is not of this list.
 *
 * @example
 * ```ts
 * listPage({ tenant, url: '/v1/licenses' }, input, (query) =>
 *   store.find(agreements.byTenant, { equals: [tenant], ...query }), licenseView)
 * ```
 */
export async function listPage<S, T>(
  of: ListOf,
  input: PageInput,
  find: (query: PageQuery) => Promise<Found<S>>,
  view: (item: S) => T,
): Promise<Page<T>> {
  const query = pageQuery(of, input)
  const { items, next } = await cursorChecked(input, () => find(query))
  return toPage(of, input, { items: items.map((item) => view(item)), next })
}

/**
 * How the page is asked of the storage: newest first, while `ending_before` walks from its cursor the other way. Throws
 * Fault `validation_failed` for a cursor of another list or tenant.
 */
export function pageQuery(of: ListOf, input: PageInput): PageQuery {
  const { limit, starting_after: after, ending_before: before } = input
  if (after !== undefined && before !== undefined) {
    throw refusal('/ending_before', 'cannot be given with starting_after', 'Keep one of them.')
  }
  const told = after ?? before
  const order = before === undefined ? 'desc' : 'asc'
  if (told === undefined) return { order, limit, after: undefined }
  const seal = sealOf(of)
  if (!told.startsWith(seal) || told.length === seal.length) throw foreignCursor(input)
  return { order, limit, after: told.slice(seal.length) }
}

/** The page as it is told: `found` (in the order of `pageQuery`) with the newest first, its cursor bound to the list. */
export function toPage<T>(of: ListOf, input: PageInput, { items, next }: Found<T>): Page<T> {
  const data = input.ending_before === undefined ? [...items] : items.toReversed()
  const about = { url: of.url, server_time: now().toISOString() }
  if (next === undefined) return { object: 'list', data, has_more: false, ...about }
  return { object: 'list', data, has_more: true, next_cursor: sealOf(of) + next, ...about }
}

/** Runs `find`; a cursor that the storage refuses (its filters are others now) becomes Fault `validation_failed`. */
export async function cursorChecked<T>(input: PageInput, find: () => Promise<T>): Promise<T> {
  try {
    return await find()
  } catch (error) {
    if (!(error instanceof StorageError && error.code === 'InvalidQuery')) throw error
    if (input.starting_after === undefined && input.ending_before === undefined) throw error
    throw foreignCursor(input, error)
  }
}

// It seals nothing against forgers: the storage holds a cursor to the query's own keys. It tells mistakes apart.
function sealOf({ tenant = '', url }: ListOf): string {
  return hash('sha256', `${tenant}\n${url}`, 'base64url').slice(0, 10)
}

function foreignCursor(input: PageInput, cause?: unknown): Fault {
  const pointer = input.starting_after === undefined ? '/ending_before' : '/starting_after'
  return refusal(pointer, 'is no cursor of this list', 'Use next_cursor of a page of it.', cause)
}

function refusal(pointer: string, message: string, fix: string, cause?: unknown): Fault {
  return new Fault('validation_failed', { errors: [{ pointer, message, fix }], cause })
}
