/** Printable ASCII, the upper half of Latin-1, and what Windows-1252 has besides: what the standard fonts can show. */
const shown = /^[ -~\u00a0-\u00ff€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]+$/u

/** Letters whose decomposition leaves no Latin letter. */
const plain: Readonly<Record<string, string>> = {
  ł: 'l',
  Ł: 'L',
  đ: 'd',
  Đ: 'D',
  ı: 'i',
  ħ: 'h',
  Ħ: 'H',
  ŋ: 'n',
  Ŋ: 'N',
  ŧ: 't',
  Ŧ: 'T',
  ĸ: 'k',
  '∞': 'inf',
  '−': '-',
}

/**
 * Text as the standard fonts of PDF can show it: characters that they lack lose their accents (`ő` → `o`), and what has
 * no Latin letter at all becomes `?`, once for a run of them. `lossy` tells that some did.
 */
export function toWinAnsi(text: string): { text: string; lossy: boolean } {
  let lossy = false
  let written = ''
  for (const character of text.normalize('NFC')) {
    const known = shown.test(character) ? character : (plain[character] ?? bare(character))
    if (known !== undefined) written += known
    else {
      lossy = true
      if (!written.endsWith('?')) written += '?'
    }
  }
  return { text: written, lossy }
}

function bare(character: string): string | undefined {
  if (/^\s$/u.test(character)) return ' '
  const letters = character.normalize('NFKD').replaceAll(/\p{M}/gu, '')
  return shown.test(letters) ? letters : undefined
}
