import {
  type Batch,
  DataLayerNM,
  DataLoader,
  Dataset,
  int64Vector,
  LabelsType,
  LengthsType,
  MaskType,
  type Outputs,
  padRows,
  port,
  type SampleContext,
} from '@nemo/core'
import { normalizeSentence, PAD, Vocabulary } from './vocabulary.js'

/** A sentence and its answer. */
export type DialogPair = readonly [source: string, target: string]

const dialogTypes = {
  src: port('B T', LabelsType),
  srcLengths: port('B', LengthsType),
  tgt: port('B T', LabelsType),
  mask: port('B T', MaskType),
}

/** Pairs of a text: a sentence, a tab and its answer in each line. @throws Error naming a line without two parts. */
export function readDialogs(text: string): DialogPair[] {
  return text
    .trim()
    .split('\n')
    .map((line, i) => {
      const [source, target, ...more] = line.split('\t').map(normalizeSentence)
      if (!source || !target || more.length > 0)
        throw new Error(`Line ${i + 1}: expected a sentence, a tab and its answer, found ${JSON.stringify(line)}.`)
      return [source, target]
    })
}

class DialogDataset extends Dataset<DialogPair> {
  readonly outputTypes = dialogTypes

  constructor(
    readonly pairs: readonly DialogPair[],
    readonly vocabulary: Vocabulary,
  ) {
    super()
  }

  get length(): number {
    return this.pairs.length
  }

  async get({ index }: SampleContext): Promise<DialogPair> {
    return this.pairs[index]!
  }

  collate(pairs: readonly DialogPair[]): Batch {
    const ids = (side: 0 | 1) => pairs.map((pair) => this.vocabulary.encode(pair[side]))
    const rows = (sentences: readonly number[][]) => sentences.map((sentence) => BigInt64Array.from(sentence, BigInt))
    const [sources, targets] = [ids(0), ids(1)]
    const marks = targets.map((target) => Uint8Array.from(target, () => 1))
    return {
      arrays: {
        src: padRows(rows(sources), 'int64', BigInt(PAD)),
        srcLengths: int64Vector(sources.map((source) => source.length)),
        tgt: padRows(rows(targets), 'int64', BigInt(PAD)),
        mask: padRows(marks, 'bool'),
      },
      samples: pairs,
    }
  }
}

/**
 * Sentences and answers as word ids, batch first: `src` `[B, T]`, `srcLengths` `[B]`, `tgt` `[B, U]`, `mask` `[B, U]` (true where a
 * target word is). Source: NeMo v0.9.0 `DialogDataLayer`.
 */
export class DialogDataLayer extends DataLayerNM {
  static readonly outputTypes = dialogTypes
  readonly vocabulary: Vocabulary

  /** @param config.vocabulary - Default: all words of the pairs. */
  constructor(config: {
    readonly pairs: readonly DialogPair[]
    readonly batch_size: number
    readonly vocabulary?: Vocabulary
    readonly shuffle?: boolean
    readonly seed?: number
  }) {
    const { pairs, batch_size, shuffle = true, seed = 0 } = config
    const vocabulary = config.vocabulary ?? new Vocabulary(pairs.flat())
    super(new DataLoader(new DialogDataset(pairs, vocabulary), { batch_size, shuffle, seed }))
    this.vocabulary = vocabulary
  }

  override forward(): Outputs<typeof DialogDataLayer> {
    return super.forward() as Outputs<typeof DialogDataLayer>
  }
}
