/** What is asked of a provider. `key` makes the asking idempotent there: the same key is the same deed. */
export interface ProviderRequest {
  key: string
  /** Minor units. */
  amount: bigint
  currency: string
}

/** What a provider answered; `unknown` means that it may or may not have happened: look it up before anything else. */
export type ProviderResult =
  | { outcome: 'succeeded'; reference: string }
  | { outcome: 'requires_action'; reference: string; actionUrl: string }
  | { outcome: 'declined'; reference?: string; code: string; hard: boolean; message: string }
  | { outcome: 'unknown'; message: string }

/** What a provider knows of a deed that was asked for under a key. */
export type ProviderFinding =
  | { found: false }
  | { found: true; result: Exclude<ProviderResult, { outcome: 'unknown' }> }

/** A rail that moves money. Nothing here throws for what a provider may answer. */
export interface PaymentProvider {
  readonly name: string
  /** Turns what a buyer typed, or the provider's own token, into a method to keep: never a card number. */
  attachMethod(input: {
    customer: string
    token: string
  }): Promise<{ token: string; brand: string; last4: string }>
  authorize(request: ProviderRequest & { method: string; customer: string }): Promise<ProviderResult>
  capture(request: ProviderRequest & { reference: string }): Promise<ProviderResult>
  void(request: ProviderRequest & { reference: string }): Promise<ProviderResult>
  refund(request: ProviderRequest & { reference: string }): Promise<ProviderResult>
  /** What became of the deed with this key. */
  lookUp(key: string): Promise<ProviderFinding>
}
