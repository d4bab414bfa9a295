/** What stands for a character that cannot be shown as what it is: its code point, `[U+1F600]`. */
export function codePointMark(character: string): string {
  return `[U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`
}
