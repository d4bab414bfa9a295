import mongoose from 'mongoose'
import { guarded } from './mongo-error.ts'

/** What kind of server answers. */
export interface Topology {
  sharded: boolean
  transactions: boolean
}

const options = {
  // Models never build anything by themselves, and nothing is kept waiting for a connection that is gone.
  autoCreate: false,
  autoIndex: false,
  bufferCommands: false,
  useBigInt64: true,
  promoteBuffers: true,
  ignoreUndefined: true,
  // What is read is durable, and what is acknowledged is on the disks of a majority; the URL cannot weaken that.
  readPreference: 'primary',
  readConcern: { level: 'majority' },
  writeConcern: { w: 'majority', journal: true, wtimeoutMS: 20_000 },
  appName: 'tallystick',
} as const

/** A connection of its own to a database, never Mongoose's global one. Throws Unavailable. */
export async function connect(url: string, database: string): Promise<mongoose.Connection> {
  // Thirty seconds, the driver's own, is long for a service that starts; the URL may say otherwise.
  const selection = /[?&]serverSelectionTimeoutMS=/i.test(url) ? {} : { serverSelectionTimeoutMS: 10_000 }
  const connection = mongoose.createConnection()
  try {
    return await guarded({}, () => connection.openUri(url, { ...options, ...selection, dbName: database }))
  } catch (error) {
    await connection.destroy()
    throw error
  }
}

/** The database of a store: its name, behind the one in the URL's path if there is one, so that deployments can share a cluster. */
export function databaseName(url: string, name: string): string {
  const path = /^mongodb(?:\+srv)?:\/\/[^/]+\/([^?]+)/.exec(url)?.[1]
  return path === undefined ? name : `${decodeURIComponent(path)}-${name}`
}

/** Asks the server what it is. FerretDB starts transactions without an error and cannot commit them: `hello` tells. */
export async function topologyOf(connection: mongoose.Connection): Promise<Topology> {
  const hello = await guarded({}, () => connection.getClient().db('admin').command({ hello: 1 }))
  const sharded = hello['msg'] === 'isdbgrid'
  return { sharded, transactions: sharded || typeof hello['setName'] === 'string' }
}
