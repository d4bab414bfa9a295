import type mongoose from 'mongoose'
import type { Row } from './row.ts'

/** A collection of the driver. */
export type Rows = mongoose.mongo.Collection<Row>

/** In which transaction; empty outside of any. */
export interface SessionOption {
  session?: mongoose.mongo.ClientSession
}
