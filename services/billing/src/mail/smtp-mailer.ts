import { createTransport } from 'nodemailer'
import type { Mailer } from '../links.ts'

/** Sends letters through an SMTP server: `smtps://user:password@host` or `smtp://host:25`. */
export function smtpMailer({ url, from }: { url: string; from: string }): Mailer {
  // A server that does not answer must not hold up the letters behind this one for minutes.
  const transport = createTransport({ url, connectionTimeout: 10_000, socketTimeout: 30_000 })
  return {
    async send({ id, to, subject, text }) {
      await transport.sendMail({ messageId: `<${id}@tallystick>`, from, to, subject, text })
    },
  }
}
