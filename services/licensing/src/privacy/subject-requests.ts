import { hash } from 'node:crypto'
import { Fault } from '@tallystick/protocol'
import { reachesTenant } from '@tallystick/runtime'
import type { Caller, Plan } from '@tallystick/runtime'
import { insert } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import type { z } from 'zod'
import { announce } from '../announce.ts'
import type { Deps } from '../deps.ts'
import { isPartyOf } from '../parties.ts'
import { subjectRequests } from './collections.ts'
import { namesOfSubject } from './names-of-subject.ts'
import type { SubjectRequest, SubjectRequestInput } from './schemas.ts'

/** A request as it is stored. */
export type StoredRequest = z.infer<typeof subjectRequests.schema>

/**
 * Plans a request for a person's data: an export is ready at once, an erasure is left to the job. Operators ask for
 * anyone, others for themselves. The record of it tells a salted digest, never the subject.
 */
export async function createSubjectRequest(
  deps: Deps,
  caller: Caller,
  { type, subject, reason }: SubjectRequestInput,
): Promise<Plan<SubjectRequest>> {
  const { tenant } = caller
  const { names } = await namesOfSubject(deps, tenant, subject)
  if (caller.role !== 'operator' && !(await isPartyOf(deps, caller, names)))
    throw new Fault('forbidden', { detail: 'Only operators can ask for the data of others' })
  const id = deps.newId('subjectRequest')
  const at = deps.now()
  const salt = Buffer.from(deps.random(32))
  const subjectDigest = `sha256:${hash('sha256', Buffer.concat([salt, Buffer.from(subject)]), 'hex')}`
  const created = announce(deps, caller, {
    kind: 'subject_request.created',
    data: { request: id, type, subject_digest: subjectDigest },
  })
  const done = type === 'export'
  const completed = announce(deps, caller, {
    kind: 'subject_request.completed',
    data: { request: id, type, subject_digest: subjectDigest },
  })
  const stored: StoredRequest = {
    id,
    tenant,
    type,
    status: done ? 'completed' : 'pending',
    subject,
    names,
    subjectDigest,
    salt: salt.toString('hex'),
    pseudonym: `erased_${id.slice(id.indexOf('_') + 1)}`,
    ...(reason !== undefined && { reason }),
    requestedBy: caller.account,
    step: 0,
    name: 0,
    erased: {},
    chain: '0'.repeat(64),
    kept: [],
    keptCount: 0,
    pass: 0,
    found: false,
    createdAt: at,
    ...(done && { completedAt: at }),
    auditId: done ? completed.auditId : created.auditId,
  }
  return {
    writes: [insert(subjectRequests, stored), created.write, ...(done ? [completed.write] : [])],
    answer: requestView(deps.livemode, stored),
  }
}

/** The request `id`, of the caller's tenant, and their own for those who do not reach all of it. Throws `not_found`. */
export async function findSubjectRequest(
  { store }: Pick<Deps, 'store'>,
  caller: Caller,
  id: string,
): Promise<Stored<StoredRequest>> {
  const found = await store.get(subjectRequests, id)
  if (
    !found ||
    found.tenant !== caller.tenant ||
    (!reachesTenant(caller) && found.requestedBy !== caller.account)
  )
    throw new Fault('not_found')
  return found
}

/** The wire form of a request. */
export function requestView(livemode: boolean, request: StoredRequest): SubjectRequest {
  const { subject, reason, completedAt, type } = request
  return {
    object: 'data_subject_request',
    id: request.id,
    livemode,
    created_at: request.createdAt.toISOString(),
    audit_id: request.auditId,
    type,
    status: request.status,
    ...(subject !== undefined && { subject }),
    subject_digest: request.subjectDigest,
    subject_salt: request.salt,
    ...(reason !== undefined && { reason }),
    ...(completedAt && { completed_at: completedAt.toISOString() }),
    ...(completedAt && type === 'erase' && { outcome: outcomeOf(request) }),
  }
}

/** What an erasure came to, as its certificate says it. */
export function outcomeOf({ erased, chain, kept, keptCount }: StoredRequest) {
  return { erased, digest: `sha256:${chain}`, kept, kept_count: keptCount }
}
