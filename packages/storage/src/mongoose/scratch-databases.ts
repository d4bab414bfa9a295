import { randomBytes } from 'node:crypto'
import { connect, topologyOf } from './connect.ts'

/** Databases on a server that a test uses and drops: all whose name begins with a random prefix. */
export interface ScratchDatabases {
  url: string
  /** Also a second time. */
  drop(): Promise<void>
}

/** Scratch databases on the server of `url`, or undefined when it has no transactions. Throws Unavailable. */
export async function scratchDatabases(url: string): Promise<ScratchDatabases | undefined> {
  const connection = await connect(url, 'admin')
  const { transactions } = await topologyOf(connection)
  if (!transactions) {
    await connection.destroy()
    return undefined
  }
  const prefix = `scratch${randomBytes(6).toString('hex')}`
  const [server = '', query] = url.split('?', 2)
  const host = /^mongodb(?:\+srv)?:\/\/[^/]+/.exec(server)?.[0] ?? server
  const dropAll = async () => {
    const { databases } = await connection.getClient().db('admin').admin().listDatabases({ nameOnly: true })
    for (const { name } of databases) {
      if (name.startsWith(`${prefix}-`)) await connection.useDb(name).dropDatabase()
    }
    await connection.destroy()
  }
  let dropping: Promise<void> | undefined
  return {
    url: `${host}/${prefix}${query === undefined ? '' : `?${query}`}`,
    drop: () => (dropping ??= dropAll()),
  }
}
