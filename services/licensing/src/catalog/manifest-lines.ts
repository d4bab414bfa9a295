/** A line of an uploaded file, counted from 1; `undefined` text where it is no UTF-8 or longer than allowed. */
export interface ManifestLine {
  line: number
  text: string | undefined
  /** Why there is no text. */
  reason?: string
}

const lineFeed = 0x0a
const longestLine = 64 * 1024

/**
 * Cuts bytes into lines as they arrive, whatever the pieces: LF or CRLF, the last line with or without its end, a byte
 * order mark at the start left out. Holds no more than one line of 64 KiB, however long the sender makes its lines.
 */
export async function* readLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<ManifestLine> {
  const cutter = lineCutter()
  for await (const bytes of source) {
    let start = 0
    for (;;) {
      const end = bytes.indexOf(lineFeed, start)
      if (end < 0) break
      cutter.take(bytes.subarray(start, end))
      yield cutter.end()
      start = end + 1
    }
    cutter.take(bytes.subarray(start))
  }
  if (!cutter.empty()) yield cutter.end()
}

function lineCutter() {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let pieces: Uint8Array[] = []
  let size = 0
  let line = 0

  function textOf(): Omit<ManifestLine, 'line'> {
    if (size > longestLine) return { text: undefined, reason: `is longer than ${longestLine} bytes` }
    try {
      const [only] = pieces
      const text = decoder.decode(pieces.length === 1 ? only : Buffer.concat(pieces)).replace(/\r$/, '')
      return { text: line === 1 ? text.replace(/^\uFEFF/, '') : text }
    } catch {
      return { text: undefined, reason: 'is not valid UTF-8' }
    }
  }

  return {
    take(bytes: Uint8Array): void {
      if (bytes.length === 0) return
      size += bytes.length
      if (size <= longestLine) pieces.push(bytes)
      else pieces = []
    },
    empty: () => size === 0,
    end(): ManifestLine {
      line++
      const told = { line, ...textOf() }
      pieces = []
      size = 0
      return told
    },
  }
}
