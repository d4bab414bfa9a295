import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'

/** An address that stays while the process behind it comes and goes, as a host name does in a deployment. */
export interface Door {
  url: string
  /** Where it leads; undefined closes it: connections end, as they do where nobody listens. */
  lead(port: number | undefined): void
  close(): Promise<void>
}

/** Opens a door of the loopback interface. */
export async function openDoor(): Promise<Door> {
  let target: number | undefined
  const open = new Set<Socket>()
  const server = createServer((outside) => {
    if (target === undefined) {
      outside.resetAndDestroy()
      return
    }
    const inside = connect(target, '127.0.0.1')
    for (const [one, other] of [
      [outside, inside],
      [inside, outside],
    ] as const) {
      open.add(one)
      one.pipe(other)
      // A killed process resets its connections; whoever asked must see the same.
      one.on('error', () => other.resetAndDestroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the system gave no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    lead(port) {
      target = port
      for (const socket of open) socket.destroy()
    },
    async close() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
