import { AsrError } from '../errors.js'

/** A language model file that is damaged or says what cannot be; `code` tells which format. */
export class LanguageModelFileError extends AsrError {
  constructor(code: 'NEMO_ASR_ARPA' | 'NEMO_ASR_KENLM', message: string, options?: ErrorOptions) {
    super(code, message, options)
    this.name = 'LanguageModelFileError'
  }
}
