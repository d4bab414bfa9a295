import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { CommandError } from './command.ts'

/** Reads a UTF-8 file of at most `maxBytes`. Throws CommandError with one clear line for anything else. */
export async function readInput(path: string, maxBytes: number): Promise<string> {
  const bytes = await readBytes(path, maxBytes)
  // Left out silently, it would make us accept bytes that the strict reader of bundles refuses.
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    throw new CommandError(`${path} begins with a byte order mark; save it as UTF-8 without one`)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new CommandError(`${path} is not UTF-8 text`, undefined, { cause })
  }
}

async function readBytes(path: string, maxBytes: number): Promise<Uint8Array> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    const stat = await file.stat()
    if (stat.isDirectory()) throw new CommandError(`${path} is a directory, not a file`)
    return await readAtMost(file, path, maxBytes)
  } catch (cause) {
    if (cause instanceof CommandError) throw cause
    throw new CommandError(`cannot read ${path}: ${reasonOf(cause)}`, undefined, { cause })
  } finally {
    await file?.close()
  }
}

/** One byte more than allowed tells a file that is too large from one that just fits, whatever its stat says. */
async function readAtMost(file: FileHandle, path: string, maxBytes: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(maxBytes + 1)
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  if (length > maxBytes) throw new CommandError(`${path} is larger than ${maxBytes} bytes`)
  if (length === 0) throw new CommandError(`${path} is empty`)
  return buffer.subarray(0, length)
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied'
  return error instanceof Error ? error.message : 'unknown reason'
}
