import type { Deps } from '../deps.ts'

/** All names by which objects of the tenant may call a party: as it was written, its account, its reference. */
export async function namesOfSubject(
  { identity }: Pick<Deps, 'identity'>,
  tenant: string,
  subject: string,
): Promise<{ names: string[]; account?: string | undefined }> {
  const party = await identity.resolveParty(tenant, subject)
  const names = [subject, party?.account, party?.reference]
  return {
    names: [...new Set(names.filter((name) => name !== undefined))],
    account: party?.account,
  }
}
