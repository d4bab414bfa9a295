import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { fileMailer } from './file-mailer.ts'
import { smtpMailer } from './smtp-mailer.ts'

const letter = {
  id: 'evt_01kqxq5t8r0000000000000000',
  to: 'finance@example.com',
  subject: 'Invoice 2026-000001 is past due',
  text: 'Grüße,\n.\na line that begins with a dot\n',
}

describe('letters as files', () => {
  let folder: string
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'letters-'))))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('are one file each, however often they are sent', async () => {
    const mailer = fileMailer(join(folder, 'new'))
    await mailer.send(letter)
    await mailer.send(letter)
    const files = readdirSync(join(folder, 'new'))
    expect(files).toEqual([`${letter.id}.eml`])
    const text = readFileSync(join(folder, 'new', files[0] ?? ''), 'utf8')
    expect(text).toContain('To: finance@example.com\nSubject: Invoice 2026-000001 is past due\n')
    expect(text.endsWith(letter.text)).toBe(true)
  })

  it('never leave the folder, and no header is smuggled in', async () => {
    const mailer = fileMailer(folder)
    await mailer.send({ ...letter, id: '../../escape', subject: 'a\r\nBcc: all@example.com' })
    expect(readdirSync(folder)).toContain('______escape.eml')
    expect(readFileSync(join(folder, '______escape.eml'), 'utf8')).not.toMatch(/^Bcc:/m)
  })
})

describe('letters by SMTP', () => {
  const servers: Awaited<ReturnType<typeof smtpServer>>[] = []
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close()
  })
  async function serve(options?: { refuse: boolean }) {
    const server = await smtpServer(options)
    servers.push(server)
    return server
  }

  it('arrive with sender, receiver, subject and text; a line break smuggles in no header', async () => {
    const server = await serve()
    const mailer = smtpMailer({ url: server.url, from: 'billing@example.com' })
    await mailer.send({ ...letter, subject: 'Grüße\r\nBcc: all@example.com' })
    const [got] = server.received
    expect(got).toMatchObject({ from: '<billing@example.com>', to: ['<finance@example.com>'] })
    expect(got?.data).toContain(`Message-ID: <${letter.id}@tallystick>`)
    expect(got?.data).not.toMatch(/^Bcc:/m)
    const body = got?.data.slice(got.data.indexOf('\r\n\r\n')) ?? ''
    expect(body).toContain('Gr=C3=BC=C3=9Fe')
    expect(body).toContain('a line that begins with a dot')
  })

  it('that the server refuses are an error, so that they are sent again', async () => {
    const server = await serve({ refuse: true })
    const mailer = smtpMailer({ url: server.url, from: 'billing@example.com' })
    await expect(mailer.send(letter)).rejects.toThrow('550')
  })
})

interface Received {
  from: string
  to: string[]
  data: string
}

/** As much of an SMTP server (RFC 5321) as a letter needs, on the loopback interface. */
async function smtpServer({ refuse = false }: { refuse?: boolean } = {}) {
  const received: Received[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let buffer = ''
    let inData = false
    let current: Received = { from: '', to: [], data: '' }
    const say = (text: string) => void socket.write(`${text}\r\n`)
    const command = (line: string): void => {
      const [verb = ''] = line.toUpperCase().split(/[ :]/)
      if (verb === 'EHLO' || verb === 'HELO') say('250 localhost')
      else if (verb === 'MAIL') {
        current = { from: /<.*?>/.exec(line)?.[0] ?? '', to: [], data: '' }
        say('250 OK')
      } else if (verb === 'RCPT') {
        if (refuse) return say('550 no such user')
        current.to.push(/<.*?>/.exec(line)?.[0] ?? '')
        say('250 OK')
      } else if (verb === 'DATA') {
        inData = true
        say('354 go on')
      } else if (verb === 'QUIT') {
        say('221 bye')
        socket.end()
      } else say('250 OK')
    }
    socket.on('data', (chunk) => {
      buffer += chunk.toString()
      for (;;) {
        const end = inData ? buffer.indexOf('\r\n.\r\n') : buffer.indexOf('\r\n')
        if (end < 0) return
        const line = buffer.slice(0, end)
        buffer = buffer.slice(end + (inData ? 5 : 2))
        if (inData) {
          inData = false
          received.push({ ...current, data: line.replaceAll('\r\n..', '\r\n.') })
          say('250 OK')
        } else command(line)
      }
    })
    socket.on('error', () => socket.destroy())
    say('220 localhost')
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    async close() {
      for (const socket of sockets) socket.destroy()
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      await closed.promise
    },
  }
}
