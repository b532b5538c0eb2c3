/** Rules of normalisation: none, Unicode's NFKC with small repairs of SentencePiece's, the same with folding to lower case. */
export type NormalizationRule = 'identity' | 'nmt_nfkc' | 'nmt_nfkc_cf'

/** SentencePiece's compiled rules of a name; empty for `identity`. */
export async function normalizationRules(name: NormalizationRule): Promise<Uint8Array> {
  switch (name) {
    case 'identity':
      return new Uint8Array()
    case 'nmt_nfkc':
      return inflate((await import('./nmtNfkc.js')).nmtNfkc)
    case 'nmt_nfkc_cf':
      return inflate((await import('./nmtNfkcCf.js')).nmtNfkcCf)
  }
}

async function inflate(base64: string): Promise<Uint8Array> {
  const compressed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream('deflate-raw'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
