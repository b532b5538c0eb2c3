/** Base of the errors this folder throws: `code` stays the same across versions, `message` says what to do. */
export class CorpusError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(`[${code}] ${message}`, options)
    this.name = new.target.name
    this.code = code
  }
}

/** espeak-ng does not know a voice or variant, or a synthesis parameter is outside its range. Code `NEMO_CORPUS_SPEECH`. */
export class SpeechSynthesisError extends CorpusError {
  constructor(message: string, options?: ErrorOptions) {
    super('NEMO_CORPUS_SPEECH', message, options)
  }
}

/** An option of a corpus is outside its range, or contradicts another. Code `NEMO_CORPUS_OPTION`. */
export class CorpusOptionError extends CorpusError {
  constructor(message: string, options?: ErrorOptions) {
    super('NEMO_CORPUS_OPTION', message, options)
  }
}

/** A folder is not a corpus, or holds files that a rebuild would destroy. Code `NEMO_CORPUS_FOLDER`. */
export class CorpusFolderError extends CorpusError {
  constructor(message: string, options?: ErrorOptions) {
    super('NEMO_CORPUS_FOLDER', message, options)
  }
}
