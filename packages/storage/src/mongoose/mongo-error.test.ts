import mongoose from 'mongoose'
import { expect, test } from 'vitest'
import { StaleVersion } from '../errors.ts'
import { duplicateIndex, storageErrorOf } from './mongo-error.ts'

const place = { write: 3, collection: 'things' }

test.each([
  ['E11000 duplicate key error collection: audit-test.things index: _id_ dup key: { _id: "x" }', 'id'],
  [
    'E11000 duplicate key error collection: audit-test.things index: byNumber.0a1b2c3d dup key: { tenant: "index: y" }',
    'byNumber',
  ],
  ["Duplicate key violation on the requested collection: Index '_id_'", 'id'],
  ["Duplicate key violation on the requested collection: Index 'byNumber.0a1b2c3d'", 'byNumber'],
])('names the unique index of: %s', (message, index) => {
  expect(duplicateIndex(message)).toBe(index)
  const error = new mongoose.mongo.MongoServerError({ message, code: 11000 })
  expect(storageErrorOf(error, place)).toMatchObject({ code: 'DuplicateKey', ...place, index, cause: error })
})

test('what the server or the network did is Unavailable, with the cause', () => {
  for (const error of [
    new mongoose.mongo.MongoNetworkError('connection closed'),
    new mongoose.mongo.MongoServerError({ message: 'WriteConflict', code: 112 }),
    new mongoose.Error('not connected'),
  ]) {
    expect(storageErrorOf(error, place)).toMatchObject({ code: 'Unavailable', ...place, cause: error })
  }
})

test('a mistake in the program and a refusal of the store pass as they are', () => {
  for (const error of [new TypeError('x'), new StaleVersion('x')]) {
    expect(storageErrorOf(error, place)).toBe(error)
  }
})
