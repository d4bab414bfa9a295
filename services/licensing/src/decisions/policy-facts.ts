import type { BoundText, LicenseStatus, LicenseTerms, Purpose } from '@tallystick/protocol'

/** The use that is asked about. */
export interface Use {
  /** As it was asked: what is not a known purpose is denied. */
  readonly purpose: string
  /** What is no region that a license may name counts as none: it could be another spelling of one that is excluded. */
  readonly region?: string | undefined
  readonly modelId?: string | undefined
  readonly at: Date
  /** The use is made now: what was withdrawn, revoked or terminated is over, even where another clock was ahead of `at`. */
  readonly now?: boolean | undefined
}

/** A dataset as far as it bears on a decision. */
export interface DatasetFacts {
  readonly id: string
  readonly consentRequired: boolean
  readonly prohibitedUses: readonly Purpose[]
}

/** A registered item as far as it bears on a decision. */
export interface CatalogFacts {
  readonly id: string
  /** Absent: as the dataset says; without a dataset consent is required. */
  readonly consentRequired?: boolean | undefined
  readonly prohibitedUses: readonly Purpose[]
}

/** A consent that names the item or its dataset. It holds in `[grantedAt, expiresAt)` until it is withdrawn. */
export interface ConsentFacts {
  readonly id: string
  /** Whose consent it is. */
  readonly subject: string
  readonly purposes: readonly Purpose[]
  /** Empty means everywhere. */
  readonly regions: readonly string[]
  readonly grantedAt: Date
  readonly expiresAt?: Date | undefined
  readonly withdrawnAt?: Date | undefined
}

/** An agreement of the actor that covers the item. */
export interface LicenseFacts {
  readonly id: string
  readonly status: LicenseStatus
  readonly terms: LicenseTerms
  readonly legalText?: BoundText | undefined
  readonly supersedes?: string | undefined
  readonly effectiveFrom?: Date | undefined
  readonly effectiveUntil?: Date | undefined
  readonly history: readonly { readonly status: LicenseStatus; readonly at: Date }[]
}

/** An offer that covers the item. */
export interface OfferFacts {
  readonly id: string
  readonly status: 'open' | 'withdrawn'
  readonly terms: LicenseTerms
  readonly expiresAt?: Date | undefined
}

/** All that a decision about one item rests on. The order within the lists says nothing. */
export interface ItemFacts {
  /** The content hash that was asked about. */
  readonly hash: string
  /** Absent when nobody registered the item. */
  readonly item?: CatalogFacts | undefined
  readonly dataset?: DatasetFacts | undefined
  readonly consents: readonly ConsentFacts[]
  readonly licenses: readonly LicenseFacts[]
  readonly offers: readonly OfferFacts[]
}
