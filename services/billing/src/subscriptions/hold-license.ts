import { hash } from 'node:crypto'
import { ensure, replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { licenseHolders, subscriptions } from './collections.ts'
import type { Subscription } from './find-subscription.ts'

/** The license is another subscription's: that one charges it, or has charged its single amount. */
export interface HeldElsewhere {
  heldBy: string
  charged: boolean
}

/**
 * The write by which a subscription holds a license from its commit on; of two that are made at once, one must look
 * again. What stands in the way otherwise.
 */
export async function holdLicense(
  { store }: Pick<Deps, 'store'>,
  { tenant, license, subscription }: { tenant: string; license: string; subscription: string },
): Promise<Write | HeldElsewhere> {
  const id = hash('sha256', JSON.stringify([tenant, license]), 'base64url')
  let found = await store.get(licenseHolders, id)
  if (!found) {
    await store.commit([ensure(licenseHolders, { id, tenant, license, subscription: '' })])
    found = await store.get(licenseHolders, id)
  }
  if (!found) throw new Error(`the holder of ${license} is gone`)
  const { version, ...holder } = found
  const by = holder.subscription
  if (by !== '' && by !== subscription) {
    const other = await store.get(subscriptions, by)
    const charged = other?.chargedOnce?.includes(license) === true
    if (other && (charged || isCharging(other, license))) return { heldBy: by, charged }
  }
  return replace(licenseHolders, { ...holder, subscription }, version)
}

/** Whether a subscription that has not ended charges a license now or from its next period on. */
function isCharging({ status, items, pendingChange }: Subscription, license: string): boolean {
  if (status === 'canceled') return false
  const live = items.filter(({ until }) => until === undefined)
  return [...live, ...(pendingChange?.items ?? [])].some((item) => item.license === license)
}
