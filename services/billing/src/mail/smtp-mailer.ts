import { createTransport } from 'nodemailer'
import type { Mailer } from '../links.ts'

/** Sends letters through an SMTP server: `smtps://user:password@host` or `smtp://host:25`. */
export function smtpMailer({ url, from }: { url: string; from: string }): Mailer {
  const transport = createTransport(url)
  return {
    async send({ id, to, subject, text }) {
      await transport.sendMail({ messageId: `<${id}@tallystick>`, from, to, subject, text })
    },
  }
}
