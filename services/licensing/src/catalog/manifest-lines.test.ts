import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readLines } from './manifest-lines.ts'

async function linesOf(bytes: Uint8Array, cuts: readonly number[] = []): Promise<(string | undefined)[]> {
  async function* pieces() {
    let from = 0
    for (const cut of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
      yield bytes.subarray(from, cut)
      from = cut
    }
  }
  const lines: (string | undefined)[] = []
  for await (const { line, text } of readLines(pieces())) {
    lines.push(text)
    expect(line).toBe(lines.length)
  }
  return lines
}

test('gives the same lines however the bytes are cut, with any line ends', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 20 }).map((one) => one.replaceAll(/[\r\n\uFEFF]/g, '_'))
  await fc.assert(
    fc.asyncProperty(
      fc.array(text, { minLength: 1 }),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      fc.boolean(),
      fc.array(fc.nat(500)),
      async (lines, end, bom, ended, cuts) => {
        const last = lines.at(-1) === '' ? 'x' : (lines.at(-1) ?? 'x')
        const wanted = [...lines.slice(0, -1), last]
        const written = (bom ? '\uFEFF' : '') + wanted.join(end) + (ended ? end : '')
        expect(await linesOf(Buffer.from(written), cuts)).toStrictEqual(wanted)
      },
    ),
  )
})

test('refuses a line that is no UTF-8 and one that is too long, and goes on behind them', async () => {
  const bytes = Buffer.concat([
    Buffer.from('a\n'),
    Buffer.from([0xff, 0xfe, 0x0a]),
    Buffer.alloc(300_000, 'x'),
    Buffer.from('\nb'),
  ])
  expect(await linesOf(bytes, [2, 70_000, 140_000, 200_000])).toStrictEqual(['a', undefined, undefined, 'b'])
})

test('gives nothing for nothing', async () => {
  expect(await linesOf(new Uint8Array())).toStrictEqual([])
})
