/** The part of the untyped package that `espeak.ts` uses: espeak-ng behind Emscripten's WebIDL glue. */
declare module '@echogarden/espeak-ng-emscripten' {
  export interface EspeakWorker {
    rate: number
    pitch: number
    range: number
    volume: number
    readonly samplerate: number
    /** Returns 0 when espeak-ng found the voice, an `espeak_ERROR` otherwise. */
    set_voice(name: string): number
    list_voices(): { name: string; identifier: string; languages: { name: string }[] }[]
    /** Calls back with blocks of 16-bit samples; a truthy answer stops the synthesis. */
    synthesize(text: string, onBlock: (samples: Int16Array | undefined) => boolean): void
  }
  export interface EspeakModule {
    HEAP8: Int8Array
    HEAPU8: Uint8Array
    FS: {
      readdir(path: string): string[]
      readFile(path: string, options: { encoding: 'utf8' }): string
      writeFile(path: string, text: string): void
      analyzePath(path: string): { exists: boolean }
    }
    eSpeakNGWorker: new () => EspeakWorker
  }
  interface ModuleOptions {
    /** Hands the data file over instead of letting the module read it. */
    getPreloadedPackage?: (name: string, bytes: number) => ArrayBuffer
    print?: (line: string) => void
    printErr?: (line: string) => void
  }
  const load: (options?: ModuleOptions) => Promise<EspeakModule>
  export default load
}
