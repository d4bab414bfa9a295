import { z } from 'zod'
import { commonConfig } from './config.ts'
import type { ServerOptions } from './create-server.ts'

const common = z.object(commonConfig)

/** What the configuration says of a service's server; spread into the options of `createServer`. */
export function serverSettings(
  config: z.output<typeof common>,
  publicUrl: string | undefined = config.PUBLIC_URL,
): Pick<ServerOptions<unknown>, 'publicUrl' | 'ratePlans' | 'rateCopies' | 'trustProxy' | 'bodyDeadline'> {
  const { RATE_PLANS: ratePlans, RATE_COPIES: rateCopies, TRUST_PROXY: trustProxy } = config
  const bodyDeadline = { deadlineMs: config.BODY_SECONDS * 1000 }
  return {
    publicUrl,
    rateCopies,
    bodyDeadline,
    ...(ratePlans && { ratePlans }),
    ...(trustProxy && { trustProxy }),
  }
}
