import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mailer } from '../links.ts'

/** Writes each letter as a file of its own into `folder`, named by its id: a letter that is sent again is the same file. */
export function fileMailer(folder: string): Mailer {
  return {
    async send({ id, to, subject, text }) {
      await mkdir(folder, { recursive: true })
      const file = join(folder, `${id.replaceAll(/[^\w-]/g, '_')}.eml`)
      const letter = [
        `Message-ID: <${id}@tallystick>`,
        `To: ${oneLine(to)}`,
        `Subject: ${oneLine(subject)}`,
        'Content-Type: text/plain; charset=utf-8',
        '',
        text,
      ]
      await writeFile(`${file}.tmp`, letter.join('\n'))
      await rename(`${file}.tmp`, file)
    },
  }
}

// A line break in a header would begin another header.
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ')
}
