import { expect, test } from 'vitest'
import { mergeOpenApi } from './merge-openapi.ts'

const ref = (id: string) => ({ $ref: `#/components/schemas/${id}` })
const service = (name: string, schemas: object, path = `/v1/${name}`) => ({
  name,
  document: {
    paths: { [path]: { get: { operationId: 'get', responses: { 200: { schema: ref('Thing') } } } } },
    components: { schemas, securitySchemes: { key: { type: 'http' } } },
  },
})
const about = { title: 'All', version: '1', url: 'http://x' }

test('components of the same name keep their own content, and every reference leads to its own', () => {
  const problem = { type: 'object' }
  const merged = mergeOpenApi(
    [
      service('audit', { Thing: { type: 'string' }, Problem: problem }),
      service('billing', { Thing: { properties: { inner: ref('Part') } }, Part: {}, Problem: problem }),
      service('licensing', { Thing: { properties: { inner: ref('Part') } }, Part: { type: 'null' } }),
    ],
    about,
  )
  expect(merged).toMatchObject({
    paths: {
      '/v1/audit': { get: { operationId: 'audit.get', responses: { 200: { schema: ref('Thing') } } } },
      '/v1/billing': { get: { responses: { 200: { schema: ref('BillingThing') } } } },
      '/v1/licensing': { get: { responses: { 200: { schema: ref('LicensingThing') } } } },
    },
    components: {
      schemas: {
        Thing: { type: 'string' },
        Problem: problem,
        Part: {},
        BillingThing: { properties: { inner: ref('Part') } },
        LicensingPart: { type: 'null' },
        LicensingThing: { properties: { inner: ref('LicensingPart') } },
      },
      securitySchemes: { key: { type: 'http' } },
    },
  })
})

test('a component that looks the same but refers to another is another', () => {
  const thing = { properties: { inner: ref('Part') } }
  const merged = mergeOpenApi(
    [service('a', { Thing: thing, Part: { type: 'string' } }), service('b', { Thing: thing, Part: {} })],
    about,
  )
  expect(merged).toMatchObject({
    paths: { '/v1/b': { get: { responses: { 200: { schema: ref('BThing') } } } } },
    components: { schemas: { Thing: thing, BThing: { properties: { inner: ref('BPart') } }, BPart: {} } },
  })
})

test('refuses two services that serve one route', () => {
  expect(() => mergeOpenApi([service('a', {}, '/v1/x'), service('b', {}, '/v1/x')], about)).toThrow(
    /get \/v1\/x/,
  )
})
