import { z } from 'zod'
import { timestamp } from './values.ts'

const cursor = z.string().min(1).max(4096).optional()

/** The fields by which every list is paged: `limit`, and at most one of the cursors. */
export const pageInput = {
  limit: z.int().min(1).max(100).default(20),
  starting_after: cursor,
  ending_before: cursor,
}

/** Which page of a list is wanted. */
export interface PageInput {
  limit: number
  starting_after?: string | undefined
  ending_before?: string | undefined
}

/** A page of a list, as every list of the API is told. */
export interface Page<T> {
  object: 'list'
  data: T[]
  has_more: boolean
  next_cursor?: string | undefined
  url: string
  /** What the clock of the server showed when it made the page. */
  server_time: string
}

/** The zod schema of a page of `item`. */
export function listOf<T extends z.ZodType>(item: T) {
  return z.strictObject({
    object: z.literal('list'),
    data: z.array(item),
    has_more: z.boolean(),
    next_cursor: z.string().optional(),
    url: z.string(),
    server_time: timestamp.describe('What the clock of the server showed when it made the page.'),
  })
}
