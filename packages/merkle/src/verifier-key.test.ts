import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  formatSignerKey,
  formatVerifierKey,
  noteAlgorithms,
  noteKeyId,
  parseSignerKey,
  parseVerifierKey,
  verifyNote,
} from './index.ts'

const code = (code: string): unknown => expect.objectContaining({ code })

describe('verifier keys', () => {
  // The key and note of the documentation of golang.org/x/mod/sumdb/note.
  const peter = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
  const says =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"

  test('of Go read, print back and open a note', () => {
    const key = parseVerifierKey(peter)
    expect(key).toMatchObject({ name: 'PeterNeumann', keyId: 'c74f20a3', algorithm: 1 })
    expect(formatVerifierKey(key.name, key.publicKey)).toBe(peter)
    expect(noteKeyId(key.name, 1, key.publicKey)).toBe('c74f20a3')
    const signature =
      'x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM='
    const signed = `${says}\n— PeterNeumann ${signature}\n`
    expect(verifyNote(signed, [peter])).toMatchObject({ text: says, verified: ['PeterNeumann'] })
  })

  test.each([
    '',
    'a',
    'a+b',
    '+c74f20a3+ARpc',
    peter.replace('c74f', 'C74F'),
    peter.replace('c74f', 'c74e'),
    `${peter}=`,
    `${peter}\n`,
    ` ${peter}`,
    peter.slice(0, -4),
    peter.replace('Peter', 'Pe ter'),
    peter.replace('+ARpc', '+ARpd'),
  ])('refuse %j', (text) => {
    expect(() => parseVerifierKey(text)).toThrow(code('malformed_key'))
  })

  test('of an algorithm that is not spoken here are refused by that name', () => {
    expect(() => parseVerifierKey(peter.replace('+AR', '+BR'))).toThrow(code('unknown_algorithm'))
    expect(() => parseVerifierKey(peter.replace('+AR', '+Bh'))).toThrow(code('unknown_algorithm'))
  })

  test('belong to their private keys, whose text reads back', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const seed = new Uint8Array(Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url'))
    const point = new Uint8Array(Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'))
    for (const algorithm of Object.values(noteAlgorithms)) {
      const signer = parseSignerKey(formatSignerKey('a.example', seed, algorithm))
      expect(signer.verifierKey).toBe(formatVerifierKey('a.example', point, algorithm))
    }
    const text = formatSignerKey('a.example', seed)
    for (const wrong of ['', text.slice(1), text.replace('a.e', 'b.e'), `${text}A`, text.slice(0, -8)]) {
      expect(() => parseSignerKey(wrong)).toThrow(code('malformed_key'))
    }
  })
})
