import { expect, test } from 'vitest'
import { databaseName } from './connect.ts'

test('a database in the URL is a prefix of every database of the deployment', () => {
  expect(databaseName('mongodb://a:1,b:2', 'audit-test')).toBe('audit-test')
  expect(databaseName('mongodb://a:1,b:2/?replicaSet=rs', 'audit-test')).toBe('audit-test')
  expect(databaseName('mongodb://u:p@a:1,b:2/shop?replicaSet=rs', 'audit-test')).toBe('shop-audit-test')
  expect(databaseName('mongodb+srv://a.example/shop', 'audit-live')).toBe('shop-audit-live')
})
