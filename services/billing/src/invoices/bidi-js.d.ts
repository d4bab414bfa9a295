/** The package's types fit neither of its forms as they are: its entry's default is the function itself. */
declare module 'bidi-js/dist/bidi.mjs' {
  import type { Bidi } from 'bidi-js'

  export default function createBidi(): Bidi
}
