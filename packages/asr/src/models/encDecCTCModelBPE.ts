import { type ConfigObject, isConfigObject, registerTarget } from '@nemo/core'
import { changedSubwords, openSubwords } from '../tokenizer/openSubwords.js'
import type { SubwordVocabulary } from '../tokenizer/subwordVocabulary.js'
import { EncDecCTCModel } from './encDecCTCModel.js'
import type { OpenVocabulary } from './labelVocabulary.js'

const TARGET = 'nemo.collections.asr.models.ctc_bpe_models.EncDecCTCModelBPE'

/**
 * Speech recogniser trained by CTC on sub-words of a tokenizer.
 *
 * Config: that of `EncDecCTCModel`, with `tokenizer: { dir, type }` instead of labels; `type` is `bpe` for SentencePiece models
 * (`tokenizer.model`, `vocab.txt`), `wpe` for WordPiece (`vocab.txt`). The tokenizer travels in `.nemo` archives, under NeMo's keys
 * `tokenizer.model_path` and `tokenizer.vocab_path`. Source: NeMo v1.0.0 `EncDecCTCModelBPE`.
 */
export class EncDecCTCModelBPE extends EncDecCTCModel {
  override readonly target: string = TARGET

  /** @throws ConfigError as `EncDecCTCModel`; AsrError for a tokenizer that is not there or does not fit. */
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
   * Makes the model learn the sub-words of another tokenizer: the encoder stays, the decoder and the loss are made anew, with fresh
   * weights; config and archives name the new tokenizer. NeMo's `change_vocabulary`.
   *
   * @param newTokenizerDir - Folder with `tokenizer.model` and `vocab.txt`, or `vocab.txt` alone.
   * @param newTokenizerType - `bpe` or `wpe`.
   * @throws AsrError for a folder without them.
   */
  override changeVocabulary(newVocabulary: readonly string[]): void
  override changeVocabulary(newTokenizerDir: string, newTokenizerType: string): void
  override changeVocabulary(newTokenizerDir: readonly string[] | string, newTokenizerType?: string): void {
    const opened = changedSubwords(this.cfg.tokenizer, newTokenizerDir, newTokenizerType, 'EncDecCTCModelBPE')
    const { labels } = opened.vocabulary
    const decoder: ConfigObject = { num_classes: labels.length, vocabulary: [...labels] }
    this.replaceVocabulary({ ...opened, config: { tokenizer: opened.config, decoder } })
  }
}

const openOwn: OpenVocabulary = (cfg, archive) => {
  const decoder = isConfigObject(cfg.decoder) ? cfg.decoder : {}
  const classes = typeof decoder.num_classes === 'number' && decoder.num_classes > 0 ? decoder.num_classes : null
  const { vocabulary, config, artifacts } = openSubwords(cfg.tokenizer, archive, classes, 'EncDecCTCModelBPE')
  const { labels } = vocabulary
  const named: ConfigObject = { num_classes: labels.length, vocabulary: [...labels] }
  return { vocabulary, config: { tokenizer: config, decoder: named }, artifacts }
}

registerTarget(
  [TARGET, 'nemo.collections.asr.models.EncDecCTCModelBPE'],
  ({ cfg }) => new EncDecCTCModelBPE(cfg as ConfigObject),
)
