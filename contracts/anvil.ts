import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

/** A local chain of one's own on a free port; its ten accounts are funded and unlocked. */
export interface LocalChain extends AsyncDisposable {
  readonly url: string
}

/** Starts anvil from npm; rejects when it ends before it listens. Dispose of it to end the process. */
export async function startAnvil(): Promise<LocalChain> {
  const program = createRequire(import.meta.url).resolve('@foundry-rs/anvil/bin.mjs')
  const anvil = spawn(process.execPath, [program, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(anvil, 'exit')
  const stop = async (): Promise<void> => {
    anvil.kill('SIGTERM') // anvil's launcher passes this on
    await ended
  }
  for await (const line of createInterface({ input: anvil.stdout })) {
    const address = /^Listening on (\S+)$/.exec(line)?.[1]
    if (address === undefined) continue
    anvil.stdout.resume() // a full pipe would stop the chain
    return { url: `http://${address}`, [Symbol.asyncDispose]: stop }
  }
  throw new Error('anvil ended before it listened')
}
