import { type ConfigObject, isConfigObject, registerTarget } from '@nemo/core'
import { changedSubwords, openSubwords } from '../tokenizer/openSubwords.js'
import type { SubwordVocabulary } from '../tokenizer/subwordVocabulary.js'
import { EncDecRNNTModel, sizesOf } from './encDecRNNTModel.js'
import type { OpenVocabulary } from './labelVocabulary.js'

const TARGET = 'nemo.collections.asr.models.rnnt_bpe_models.EncDecRNNTBPEModel'

/**
 * Transducer on sub-words of a tokenizer.
 *
 * Config: that of `EncDecRNNTModel`, with `tokenizer: { dir, type }` instead of labels; see `EncDecCTCModelBPE`.
 * Source: NeMo v1.0.0 `EncDecRNNTBPEModel`.
 */
export class EncDecRNNTBPEModel extends EncDecRNNTModel {
  override readonly target: string = TARGET

  /** @throws ConfigError as `EncDecRNNTModel`; AsrError for a tokenizer that is not there or does not fit. */
  constructor(cfg: ConfigObject) {
    super(cfg, openOwn)
  }

  override get vocabulary(): SubwordVocabulary {
    return super.vocabulary as SubwordVocabulary
  }

  /** Cuts text into the sub-words that the classes stand for. */
  get tokenizer(): SubwordVocabulary['tokenizer'] {
    return this.vocabulary.tokenizer
  }

  /**
   * Makes the model learn the sub-words of another tokenizer: the encoder stays, prediction network, joint network and loss are made
   * anew, with fresh weights; config and archives name the new tokenizer. NeMo's `change_vocabulary`.
   *
   * @param newTokenizerDir - Folder with `tokenizer.model` and `vocab.txt`, or `vocab.txt` alone.
   * @param newTokenizerType - `bpe` or `wpe`.
   * @throws AsrError for a folder without them.
   */
  override async changeVocabulary(newVocabulary: readonly string[]): Promise<void>
  override async changeVocabulary(newTokenizerDir: string, newTokenizerType: string): Promise<void>
  override async changeVocabulary(
    newTokenizerDir: readonly string[] | string,
    newTokenizerType?: string,
  ): Promise<void> {
    const opened = changedSubwords(this.cfg.tokenizer, newTokenizerDir, newTokenizerType, 'EncDecRNNTBPEModel')
    const { labels } = opened.vocabulary
    await this.replaceVocabulary({
      ...opened,
      config: { tokenizer: opened.config, labels: [...labels], ...sizesOf(labels) },
    })
  }
}

const openOwn: OpenVocabulary = (cfg, archive) => {
  const { vocab_size } = isConfigObject(cfg.decoder) ? cfg.decoder : ({} as ConfigObject)
  const classes = typeof vocab_size === 'number' && vocab_size > 0 ? vocab_size : null
  const { vocabulary, config, artifacts } = openSubwords(cfg.tokenizer, archive, classes, 'EncDecRNNTBPEModel')
  const { labels } = vocabulary
  return { vocabulary, config: { tokenizer: config, labels: [...labels], ...sizesOf(labels) }, artifacts }
}

registerTarget(
  [TARGET, 'nemo.collections.asr.models.EncDecRNNTBPEModel'],
  ({ cfg }) => new EncDecRNNTBPEModel(cfg as ConfigObject),
)
