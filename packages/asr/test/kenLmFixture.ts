import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

/** A fixture packed by tools/goldens/src/packKenLmFixtures.ts, unpacked. */
export function kenLmFixture(name: string): Uint8Array {
  const bytes = readFileSync(fileURLToPath(new URL(`fixtures/kenlm/${name}`, import.meta.url)))
  return name.endsWith('.gz') ? Uint8Array.from(gunzipSync(bytes)) : Uint8Array.from(bytes)
}

/** The same as text. */
export const kenLmText = (name: string): string => new TextDecoder().decode(kenLmFixture(name))

/** The same as JSON. */
export const kenLmJson = <Json>(name: string): Json => JSON.parse(kenLmText(name)) as Json

/** Files of a packed folder by name. */
export function kenLmFolder<Case>(name: string): { cases: readonly Case[]; file(name: string): Uint8Array } {
  const { cases, files } = kenLmJson<{ cases: Case[]; files: Record<string, string> }>(`${name}.json.gz`)
  return { cases, file: (file) => Uint8Array.from(Buffer.from(files[file]!, 'base64')) }
}
