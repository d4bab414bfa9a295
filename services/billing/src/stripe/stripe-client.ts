import { Stripe } from 'stripe'

/** The version of Stripe's API that the requests are written for; the SDK's own. */
export const stripeVersion = '2026-10-28.endive'

/**
 * The SDK's client. What is unknown is looked up before it is asked again; only for a connection that broke does the SDK
 * itself ask once more, under the same key.
 */
export function stripeClient({
  key,
  base,
  timeout,
}: {
  key: string
  base?: string | undefined
  timeout: number
}): Stripe {
  const at = base === undefined ? undefined : new URL(base)
  return new Stripe(key, {
    apiVersion: stripeVersion,
    maxNetworkRetries: 0,
    timeout,
    telemetry: false,
    ...(at && { host: at.hostname, port: at.port, protocol: 'http' as const }),
  })
}
