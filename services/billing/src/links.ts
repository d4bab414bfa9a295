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

/** The licensing service, over HTTP or in the same process: its policy decides, billing only asks. */
export interface RightsLink {
  /** One answer for each question, in order. No receipt is made of the asking. */
  check(tenant: string, questions: readonly UseInQuestion[]): Promise<readonly RightsAnswer[]>
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
