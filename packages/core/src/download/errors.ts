/** A file could not be fetched or arrived damaged. */
export class DownloadError extends Error {
  readonly code = 'NEMO_DOWNLOAD'
  constructor(message: string, options?: ErrorOptions) {
    super(`${message} [NEMO_DOWNLOAD]`, options)
    this.name = 'DownloadError'
  }
}
