import type { ProvedEntry } from './prove-receipt.ts'

interface ProofAnswer {
  object: 'inclusion_proof'
  index: number
  size: number
  proof: string
}

/** What of a request an answer with a proof needs. */
interface Asked {
  requestHeader(name: string): string | undefined
  answer: { raw(contentType: string, body: string): void }
}

/**
 * Answers with a proof, as text where that is asked for. Over REST its JSON is put together here: the dash in a
 * checkpoint's signature line would make the whole text one of two-byte characters, which costs more to escape and send
 * than the proof does to find.
 */
export function answerProof(
  { index, head, checkpoint }: ProvedEntry,
  { requestHeader, answer }: Asked,
): ProofAnswer {
  const { size, note } = checkpoint
  const answered = { object: 'inclusion_proof' as const, index, size, proof: head + note }
  if (requestHeader('accept')?.startsWith('text/plain')) {
    answer.raw('text/plain; charset=utf-8', answered.proof)
    return answered
  }
  const start = JSON.stringify({ ...answered, proof: head })
  answer.raw('application/json; charset=utf-8', start.slice(0, -2) + escapedNote(note) + start.slice(-2))
  return answered
}

let lastNote = ''
let lastEscaped = ''

/** What a checkpoint is within a JSON string, in ASCII; remembered, as most proofs are under the newest one. */
function escapedNote(note: string): string {
  if (note !== lastNote) {
    lastNote = note
    const escaped = JSON.stringify(note)
      .slice(1, -1)
      .replaceAll(/[\u0080-\uFFFF]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    // What was replaced in two-byte text stays two-byte text until it is read anew.
    lastEscaped = Buffer.from(escaped, 'latin1').toString('latin1')
  }
  return lastEscaped
}
