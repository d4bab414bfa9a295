import { relay } from '@tallystick/runtime'
import type { Loop, RelayOptions } from '@tallystick/runtime'
import { z } from 'zod'
import type { RightsLink } from '../links.ts'
import { rightsStream } from './book-payment.ts'

const revocation = z.strictObject({ license: z.string(), reason: z.string() })

/** Carries revocations that follow from refunds to licensing; at least once, and revoking twice is revoking once. */
export function revokeRelay({
  rights,
  ...options
}: Omit<RelayOptions, 'deliver' | 'stream'> & { rights: RightsLink }): Loop {
  return relay({
    ...options,
    stream: rightsStream,
    async deliver(events) {
      for (const { tenant, data } of events) {
        const { license, reason } = revocation.parse(data)
        await rights.revoke(tenant, license, reason)
      }
    },
  })
}
