import { z } from 'zod'
import { ratePlansText } from './rate-plans.ts'
import { trustedProxies } from './trusted-proxies.ts'

const isDatabaseUrl = (url: string) => /^(sqlite:.+|mongodb(\+srv)?:\/\/.+)/.test(url)

/** The variables that every service reads. A service spreads them into its own schema: `z.object({ ...commonConfig })`. */
export const commonConfig = {
  DATABASE_URL: z
    .string()
    .refine(isDatabaseUrl, 'must be sqlite:DIR, mongodb://… or mongodb+srv://…')
    .default('sqlite:./data')
    .describe('Where everything that survives is kept: `sqlite:DIR` or a MongoDB replica set'),
  MODE: z.enum(['test', 'live']).default('test').describe('Test and live never share data, keys or logs'),
  HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on'),
  PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(8080)
    .describe('Port to listen on; 0 takes a free one'),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('The URL under which callers reach the service; defaults to where it listens'),
  TRUST_PROXY: trustedProxies
    .optional()
    .describe(
      'Proxies whose X-Forwarded-For is believed: addresses, networks or `uniquelocal`, with commas; nobody unless set',
    ),
  RATE_PLANS: ratePlansText
    .optional()
    .describe('Rate limits by plan, as JSON or as the path of a JSON file; see "Rate limits"'),
  RATE_COPIES: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(1)
    .describe('How many copies of the service run: each grants that part of every rate plan'),
  BODY_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3600)
    .default(60)
    .describe('How long the body of a request may take to arrive, and one that is streamed may pause'),
  LEASE_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(600)
    .default(15)
    .describe(
      'How long relay, sequencer, anchorer, billing runs and other jobs stand still after the copy that ran them died',
    ),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Least severity that is logged; requests are logged one by one at `debug`'),
  SHUTDOWN_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(600)
    .default(25)
    .describe('How long a stop may take before the process exits anyway'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('OpenTelemetry collector (OTLP over HTTP); traces are sent only when it is set'),
}

/** A configuration that cannot be used. The message has a line for each variable: what is wrong and what it is for. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly variables: readonly string[]

  constructor(variables: readonly string[], message: string) {
    super(message)
    this.variables = variables
  }
}

/**
 * Reads the variables that `schema` names out of `env`; an empty value counts as unset. Throws ConfigError. Values are
 * never repeated in the message: they may be secrets.
 */
export function loadConfig<S extends z.ZodObject>(
  schema: S,
  env: Readonly<Record<string, string | undefined>>,
): z.output<S> {
  const given: Record<string, string> = {}
  for (const name of Object.keys(schema.shape)) {
    const value = env[name]
    if (value !== undefined && value !== '') given[name] = value
  }
  const result = schema.safeParse(given)
  if (result.success) return result.data
  const variables = [...new Set(result.error.issues.map((issue) => String(issue.path[0] ?? '')))]
  const lines = result.error.issues.map((issue) => {
    const name = String(issue.path[0] ?? 'configuration')
    const purpose = (schema.shape[name] as z.ZodType | undefined)?.description
    const complaint = name in given ? issue.message : 'is not set'
    return `  ${name}: ${complaint}.${purpose ? ` ${purpose}.` : ''}`
  })
  throw new ConfigError(variables, `The configuration cannot be used:\n${lines.join('\n')}`)
}

/** The variables of `schema` as a Markdown table, for docs/operations.md. Throws when a variable lacks a description. */
export function configTable(schema: z.ZodObject): string {
  const properties = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }).properties ?? {}
  const rows = Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, field]) => {
    if (!field.description) throw new ConfigError([name], `${name} has no description`)
    const property = properties[name]
    const fallback = typeof property === 'object' ? JSON.stringify(property.default) : undefined
    const shown =
      fallback === undefined
        ? field.safeParse(undefined).success
          ? ''
          : 'required'
        : `\`${fallback.replace(/^"|"$/g, '')}\``
    return `| \`${name}\` | ${shown} | ${field.description.replaceAll('|', '\\|')} |`
  })
  return ['| variable | default | meaning |', '|---|---|---|', ...rows, ''].join('\n')
}
