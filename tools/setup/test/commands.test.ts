import { resolve } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { main } from '../src/commands.mjs'

const root = resolve(import.meta.dirname, '../../..')

afterEach(() => {
  vi.restoreAllMocks()
})

test('a recipe that does not exist is named, and the list of recipes follows', async () => {
  const error = vi.spyOn(console, 'error').mockReturnValue()
  expect(await main(root, ['recipe', 'asr/no-such-recipe'])).toBe(1)
  expect(error.mock.calls.join('\n')).toMatch(/^There is no recipe "asr\/no-such-recipe"\. Usage: pnpm recipe/)
})

test('without a name the recipes are listed', async () => {
  const error = vi.spyOn(console, 'error').mockReturnValue()
  expect(await main(root, ['recipe'])).toBe(0)
  expect(error.mock.calls.join('\n')).toMatch(/^Which recipe\? Usage: pnpm recipe/)
})

test('an unknown command is refused', async () => {
  const error = vi.spyOn(console, 'error').mockReturnValue()
  expect(await main(root, ['fly'])).toBe(1)
  expect(error.mock.calls.join('\n')).toContain('Unknown command "fly"')
})
