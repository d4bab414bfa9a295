import type { LicenseCharge as Told } from '@tallystick/protocol'

/** One use whose right is asked for. */
export interface UseInQuestion {
  /** The customer's reference: the buyer of the licenses. */
  customer: string
  items: readonly string[]
  purpose: string
  region?: string | undefined
  modelId?: string | undefined
  at: Date
  licenses: readonly string[]
}

/** What licensing says of a use; `code` is that of the deciding clause. */
export interface RightsAnswer {
  permitted: boolean
  code: string
}

/** Which license is about to be charged; one of another buyer than `customer`, a reference, is not told. */
export interface LicenseInQuestion {
  license: string
  customer?: string
  /** Whether its items are to be counted, where it is paid by the item. */
  countItems?: boolean
}

/** What a license says of its payment, and how long it holds. */
export interface LicenseCharge extends Pick<Told, 'license' | 'status' | 'pricing' | 'currency'> {
  /** How many items it covers; absent where they cannot be counted. */
  items?: number
  effectiveFrom?: Date
  effectiveUntil?: Date
  /** When it expired, was revoked, terminated or superseded. */
  endedAt?: Date
  supersededBy?: string
}

/** The licensing service, over HTTP or in the same process: its policy decides, billing only asks. */
export interface RightsLink {
  /** One answer for each question, in order. No receipt is made of the asking. */
  check(tenant: string, questions: readonly UseInQuestion[]): Promise<readonly RightsAnswer[]>
  /** One answer for each question, in order; undefined for what is missing or of another buyer. */
  charges(
    tenant: string,
    questions: readonly LicenseInQuestion[],
  ): Promise<readonly (LicenseCharge | undefined)[]>
  /** Ends a license, as after a refund; idempotent. */
  revoke(tenant: string, license: string, reason: string): Promise<void>
}

/**
 * The identity service: which keys still work. `party` is an account's id or the tenant's own reference for it; for one
 * without an account, and for what is as it should be already, there is nothing to do.
 */
export interface AccountsLink {
  suspend(tenant: string, party: string, reason: string): Promise<void>
  reactivate(tenant: string, party: string, reason: string): Promise<void>
}

/** An e-mail that was written. */
export interface Letter {
  /** The same id is sent once. */
  id: string
  to: string
  subject: string
  text: string
}

/** Where letters go: files by default, SMTP by configuration. */
export interface Mailer {
  send(letter: Letter): Promise<void>
}
