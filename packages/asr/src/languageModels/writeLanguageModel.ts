import { open, rename, rm } from 'node:fs/promises'
import { kenLmProbingPieces } from './kenLmProbing.js'
import type { NGramLanguageModel } from './nGramLanguageModel.js'
import { ProbingModel } from './probingModel.js'

/**
 * Writes a model as a probing binary, which loads at once and which KenLM reads too.
 *
 * @param model - One that was read from an ARPA file or a probing binary.
 * @throws TypeError for another one: a trie has no n-grams to be looked up by hash, nor do all binaries store words.
 */
export async function writeLanguageModel(model: NGramLanguageModel, path: string): Promise<void> {
  if (!(model instanceof ProbingModel))
    throw new TypeError(
      `A model stored as ${model.storage} is not written as probing; keep its file, or read its ARPA file.`,
    )
  const partial = `${path}.partial`
  const file = await open(partial, 'w')
  try {
    for (const piece of kenLmProbingPieces(model)) {
      for (let at = 0; at < piece.length; at += 1 << 30) await file.writeFile(piece.subarray(at, at + (1 << 30)))
    }
    await file.close()
    await rename(partial, path)
  } catch (error) {
    await file.close()
    await rm(partial, { force: true })
    throw error
  }
}
