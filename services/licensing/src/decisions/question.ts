/** Whose rights to which items are looked up. */
export interface Question {
  tenant: string
  /** The names of the actor by which agreements may call their buyer. */
  actorNames: readonly string[]
  /** Different content hashes. */
  hashes: readonly string[]
  /** Only these agreements count; all of the actor's unless told. */
  licenses?: readonly string[] | undefined
}
