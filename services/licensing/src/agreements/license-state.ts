import type { AccountRole, LicenseStatus } from '@tallystick/protocol'

/** Who moves an agreement on: its operator, its parties, or time itself. */
export type LicenseSide = 'operator' | 'creator' | 'buyer' | 'clock'

/** What can be done with an agreement. */
export type LicenseAction =
  | 'offer'
  | 'accept'
  | 'activate'
  | 'expire'
  | 'revoke'
  | 'terminate'
  | 'supersede'
  | 'amend'
  | 'update'
  | 'annotate'

/** From which statuses an action is possible, by whom, and where it leads; without `to` the status stays. */
interface LicenseTransition {
  readonly from: readonly LicenseStatus[]
  readonly by: readonly LicenseSide[]
  readonly to?: LicenseStatus
}

/** The life of an agreement: `draft → offered → accepted → active →` expired, revoked, terminated or superseded. */
export const licenseTransitions: Readonly<Record<LicenseAction, LicenseTransition>> = {
  offer: { from: ['draft'], by: ['operator', 'creator'], to: 'offered' },
  accept: { from: ['offered'], by: ['operator', 'buyer'], to: 'accepted' },
  activate: { from: ['accepted'], by: ['clock'], to: 'active' },
  expire: { from: ['offered', 'accepted', 'active'], by: ['clock'], to: 'expired' },
  revoke: { from: ['draft', 'offered', 'accepted', 'active'], by: ['operator', 'creator'], to: 'revoked' },
  terminate: {
    from: ['offered', 'accepted', 'active'],
    by: ['operator', 'creator', 'buyer'],
    to: 'terminated',
  },
  supersede: { from: ['accepted', 'active'], by: ['clock'], to: 'superseded' },
  amend: { from: ['accepted', 'active'], by: ['operator', 'creator'] },
  update: { from: ['draft'], by: ['operator', 'creator'] },
  annotate: {
    from: ['draft', 'offered', 'accepted', 'active', 'expired', 'revoked', 'terminated', 'superseded'],
    by: ['operator', 'creator'],
  },
}

const roleOf = { operator: 'operator', creator: 'creator', buyer: 'developer', clock: undefined } as const

/** In a procedure's meta: the roles of those who may take `action`. */
export function takers(action: LicenseAction): { roles: AccountRole[] } {
  return { roles: licenseTransitions[action].by.flatMap((side) => roleOf[side] ?? []) }
}

/** Whether an action is possible: `status` is the one it leads to. */
export type LicenseVerdict =
  | { possible: true; status: LicenseStatus }
  | { possible: false; refused: 'side' | 'status' }

/** Judges `action` by `side` on an agreement in `status`; who may never do it is told so before its status is. */
export function judgeAction(action: LicenseAction, status: LicenseStatus, side: LicenseSide): LicenseVerdict {
  const { from, by, to } = licenseTransitions[action]
  if (!by.includes(side)) return { possible: false, refused: 'side' }
  if (!from.includes(status)) return { possible: false, refused: 'status' }
  return { possible: true, status: to ?? status }
}
