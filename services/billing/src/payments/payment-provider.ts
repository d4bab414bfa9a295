/** What is asked of a provider. It is stored before it is asked, so it can be asked again in the same words. */
export interface ProviderDeed {
  action: 'authorize' | 'capture' | 'void' | 'refund'
  /** Makes the asking idempotent there: the same key is the same deed. */
  key: string
  /** Minor units: what is to be held, taken, let go or given back. */
  amount: bigint
  currency: string
  tenant: string
  payment: string
  customer: string
  /** The method that is charged, as a token of the provider. */
  method: string
  /** The provider's name for the payment, once it has told one. */
  reference?: string | undefined
  /** When it was first asked for, by the machine's clock: providers forget keys by theirs. */
  since: Date
}

/** An answer that says what happened. */
export type Settled =
  | {
      outcome: 'succeeded'
      reference: string
      /** Until when the provider holds the money, where it tells. */
      holdUntil?: Date
    }
  | { outcome: 'requires_action'; reference: string; actionUrl: string }
  | { outcome: 'declined'; reference?: string; code: string; hard: boolean; message: string }
  /** Something else was done to the hold before: it was taken (this amount) or let go, and can be no more. */
  | { outcome: 'superseded'; reference: string; by: 'capture' | 'void'; amount: bigint }

/** What a provider answered; `unknown` means that it may or may not have happened: look it up before anything else. */
export type ProviderResult = Settled | { outcome: 'unknown'; message: string }

/**
 * What a provider knows of a deed. `nothing` says that it has not happened and may be asked for again; `unsure` that
 * the provider cannot tell now, so nothing may be done yet.
 */
export type ProviderFinding =
  | { known: 'deed'; result: Settled }
  | { known: 'nothing' }
  | { known: 'unsure'; message: string }

/** A rail that moves money. Nothing here throws for what a provider may answer, but attachMethod: Faults. */
export interface PaymentProvider {
  readonly name: string
  /** Turns the provider's own token into a method to keep: never a card number. */
  attachMethod(input: {
    tenant: string
    customer: string
    token: string
  }): Promise<{ token: string; brand: string; last4: string }>
  perform(deed: ProviderDeed): Promise<ProviderResult>
  /** What became of a deed that was asked for before. */
  lookUp(deed: ProviderDeed): Promise<ProviderFinding>
}
