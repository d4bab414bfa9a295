import type { FieldError } from '@tallystick/protocol'
import { RefusedError, UnansweredError } from './tallystick-error.ts'
import type { Problem, TallystickError } from './tallystick-error.ts'

/** The error that an answer with a status of 400 or more tells of. Reads the answer to its end. */
export async function readRefusal(response: Response): Promise<TallystickError> {
  const { status, headers } = response
  const body = parsed(await response.text())
  const problem = readProblem(member(member(member(body, 'error'), 'data'), 'problem')) ?? readProblem(body)
  if (problem) return new RefusedError(problem)
  const requestId = headers.get('request-id') ?? undefined
  return new UnansweredError('invalid_response', `Status ${status}, and no problem document with it`, {
    status,
    requestId,
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a later version of the API adds is passed over: its refusals must not turn into riddles here. */
function readProblem(value: unknown): Problem | undefined {
  const text = (name: string) => asText(member(value, name))
  const status = member(value, 'status')
  const [code, detail] = [text('code'), text('detail')]
  if (code === undefined || detail === undefined || typeof status !== 'number') return undefined
  const errors = member(value, 'errors')
  return {
    code,
    status,
    detail,
    fix: text('fix'),
    request_id: text('request_id'),
    errors: Array.isArray(errors) ? errors.flatMap(readFieldError) : undefined,
  }
}

function readFieldError(value: unknown): FieldError[] {
  const [pointer, message, fix] = ['pointer', 'message', 'fix'].map((name) => asText(member(value, name)))
  if (pointer === undefined || message === undefined) return []
  return [{ pointer, message, ...(fix !== undefined && { fix }) }]
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
