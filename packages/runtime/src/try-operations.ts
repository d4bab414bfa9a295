import type { AnyTRPCRouter } from '@trpc/server'
import { errorTable } from '@tallystick/protocol'
import type { FastifyInstance } from 'fastify'
import { refusalsOf } from './openapi.ts'
import { operationsOf } from './operations.ts'
import type { Operation } from './operations.ts'
import { problemDocument } from './problem.ts'

/** Where and with what the documented operations are tried. */
export interface TriedService {
  /** The base URL under which the service listens. */
  url: string
  router: AnyTRPCRouter
  /** An API key that may do everything, or the right one for each operation. */
  key: string | ((operation: string) => string)
  /**
   * Completes the example of an operation with ids that exist, by the operation's name; what it gives is put over the
   * example's fields. Operations are tried in the order of the router.
   */
  complete?: (operation: string, example: Readonly<Record<string, unknown>>) => Record<string, unknown>
  /** Told of each answer, so that later operations can use what earlier ones made. */
  answered?: (operation: string, status: number, body: unknown) => void
  /** The service's server: its routes are compared with the documented ones. */
  server?: Pick<FastifyInstance, 'servedRoutes'>
}

type Fields = Record<string, unknown>

/**
 * Calls every documented route with its own examples and gives what is wrong, one line each: an answer with an
 * undocumented status, code or content type, an answer that is not of its documented shape, a refused example, a route
 * that needs input and has no example, a served route that is not documented. An empty list is what a test wants.
 */
export async function tryOperations(service: TriedService): Promise<string[]> {
  const operations = operationsOf(service.router)
  const document = await documentOf(service.url)
  const complaints = service.server ? undocumented(service.server, operations) : []
  for (const operation of operations) {
    const { rest, name } = operation
    const documented = document.paths[operation.path]?.[rest.method.toLowerCase()]
    const place = `${rest.method} ${rest.path} (${name})`
    if (!documented) complaints.push(`${place} is not documented`)
    const found = await tryOperation(service, operation, Object.keys(documented?.responses ?? {}))
    complaints.push(...found.map((complaint) => `${place} ${complaint}`))
  }
  return complaints
}

interface Documented {
  paths: Record<string, Record<string, { responses: object } | undefined> | undefined>
}

async function documentOf(url: string): Promise<Documented> {
  const answer = await fetch(`${url}/v1/openapi.json`)
  return (await answer.json()) as Documented
}

async function tryOperation(
  service: TriedService,
  operation: Operation,
  statuses: readonly string[],
): Promise<string[]> {
  const { meta, name, input } = operation
  const examples = meta.examples ?? []
  if (examples.length === 0 && input && !input.safeParse({}).success) return ['has no example of its input']
  const complaints: string[] = []
  for (const { name: called, input: example } of examples.length > 0 ? examples : [{ input: {} }]) {
    const given = (example ?? {}) as Fields
    const sent = { ...given, ...service.complete?.(name, given) }
    const which = called === undefined ? '' : ` to the example "${called}"`
    const answer = await callOperation(service, operation, sent)
    service.answered?.(name, answer.status, answer.json)
    const found = await judgeAnswer(operation, answer, statuses)
    if (answer.status >= 400) found.push(`refuses its own example: ${answer.text.slice(0, 400)}`)
    complaints.push(...found.map((complaint) => `answers ${answer.status}${which}: ${complaint}`))
  }
  return complaints
}

interface OperationAnswer {
  status: number
  type: string
  text: string
  json: unknown
}

/** Sends `fields` to the operation as its route takes them: in the path, the query or the body. */
export async function callOperation(
  { url, key }: Pick<TriedService, 'url' | 'key'>,
  { rest, meta, name, pathParameters, hasBody }: Operation,
  fields: Fields,
): Promise<OperationAnswer> {
  const path = rest.path.replaceAll(/\{(\w+)(\+?)\}/g, (_, field: string, slashes: string) => {
    const value = String(fields[field])
    return slashes === '' ? encodeURIComponent(value) : value
  })
  const [uploaded] = Object.entries(rest.takes?.types ?? {})
  const others = Object.entries(fields).filter(([field]) => !pathParameters.includes(field))
  const query = new URLSearchParams(
    hasBody
      ? []
      : others.flatMap(([field, value]) =>
          [value].flat().map((one): [string, string] => [field, String(one)]),
        ),
  )
  const response = await fetch(`${url}${path}${query.size > 0 ? `?${query.toString()}` : ''}`, {
    method: rest.method,
    headers: {
      ...(meta.scope !== 'public' && {
        authorization: `Bearer ${typeof key === 'string' ? key : key(name)}`,
      }),
      ...(hasBody && { 'content-type': uploaded?.[0] ?? 'application/json' }),
      ...(meta.idempotency && { 'idempotency-key': crypto.randomUUID() }),
    },
    ...(hasBody && { body: uploaded?.[1].example ?? JSON.stringify(Object.fromEntries(others)) }),
  })
  const text = await response.text()
  const type = response.headers.get('content-type') ?? ''
  return { status: response.status, type, text, json: /[/+]json\b/.test(type) ? JSON.parse(text) : undefined }
}

/** What is wrong with an answer, by the operation's own declaration. */
export async function judgeAnswer(
  operation: Operation,
  { status, type, text, json }: OperationAnswer,
  statuses: readonly string[] = [],
): Promise<string[]> {
  const complaints: string[] = []
  if (statuses.length > 0 && !statuses.includes(String(status)))
    complaints.push('the status is not documented')
  if (status >= 400) {
    const problem = problemDocument.safeParse(json)
    if (!problem.success) return [...complaints, `the refusal is no problem document: ${text.slice(0, 200)}`]
    const { code } = problem.data
    const known = [...refusalsOf(operation)].some((one) => one === code && errorTable[one].status === status)
    if (!known) complaints.push(`the error code ${code} is not documented`)
    return complaints
  }
  const { output, rest } = operation
  if ((rest.produces ?? []).some((one) => type.startsWith(one))) return complaints
  if (json === undefined) {
    if (text !== '' || (status !== 204 && output))
      complaints.push(`the content type "${type}" is not documented`)
  } else if (output) {
    const result = await output.safeParseAsync(json)
    if (!result.success) complaints.push(`the answer is not as documented: ${result.error.message}`)
  }
  return complaints
}

/** What every service serves beside its API: about the API, or for those who run it. */
const ofEveryService: readonly RegExp[] = [
  // The API document, the page that shows it and the page of error codes: they describe the API.
  /^GET \/(v1\/openapi\.json|errors)?$/,
  /^GET \/docs(\/|$)/,
  // For the proxy and the monitoring of whoever runs the service.
  /^GET \/(livez|readyz|metrics)$/,
  // The same procedures for typed clients, which take their shape from the router.
  /^(GET|POST) \/trpc\/\w+\/:path$/,
]

/** Routes that a server has and that neither an operation declares nor every service has. HEAD comes with GET. */
function undocumented(
  server: Pick<FastifyInstance, 'servedRoutes'>,
  operations: readonly Operation[],
): string[] {
  const known = new Set(operations.map(({ rest, url }) => `${rest.method} ${url}`))
  return server
    .servedRoutes()
    .filter((route) => !known.has(route) && !route.startsWith('HEAD '))
    .filter((route) => !ofEveryService.some((one) => one.test(route)))
    .map((route) => `${route} is served and not documented`)
}
