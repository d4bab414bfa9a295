/** What Stripe would answer: a status and an object. */
export interface Reply {
  status: number
  body: object
}

/** A refusal of Stripe for what a request asks. */
export function invalid(code: string, message: string, status = 400): Reply {
  return { status, body: { error: { type: 'invalid_request_error', code, message } } }
}

/** An answer with a copy of an object: what happens to it later was not told. */
export function ok(body: object): Reply {
  return { status: 200, body: structuredClone(body) }
}
