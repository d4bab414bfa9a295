const longest = 600

/**
 * Text from evidence or a server, fit for a terminal: control and formatting characters are shown as `\u{…}`, or a
 * hostile file could paint a verdict of its own with escape sequences; long text is cut.
 */
export function printable(text: string): string {
  const safe = text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
  return safe.length > longest ? `${safe.slice(0, longest)}…` : safe
}
