/** Bytes given to a logger or report are not the image or sound they should be. */
export class MediaFormatError extends Error {
  readonly code = 'NEMO_MEDIA_FORMAT'

  constructor(message: string) {
    super(message)
    this.name = 'MediaFormatError'
  }
}
