import { ElementType } from './elementType.js'

/**
 * A waveform. Two of them match when their sampling rates do, or when one of the two does not say.
 *
 * @typeParam Freq - Sampling rate in Hz; plain `number` when it is not known to the compiler.
 */
export interface AudioSignal<Freq extends number = number> extends ElementType {
  /** `freq`: sampling rate in Hz, null when any will do. */
  readonly typeParameters: { readonly freq: number | null }
  /**
   * Whether audio of this rate, in Hz, fits. A method, so that an unknown rate (`number`) and a known one are
   * assignable both ways while two known ones are not.
   */
  acceptsFreq(freq: Freq): boolean
}

/** What `AudioSignal` is: a class that may be called without `new`. */
export interface AudioSignalClass {
  new <const Freq extends number = number>(options?: AudioSignalOptions<Freq>): AudioSignal<Freq>
  <const Freq extends number = number>(options?: AudioSignalOptions<Freq>): AudioSignal<Freq>
  readonly prototype: AudioSignal
}

/** Parameters of an audio signal. */
export interface AudioSignalOptions<Freq extends number = number> {
  /** Sampling rate in Hz. Default null: any. */
  readonly freq?: Freq | null
}

/**
 * Element type of waveforms: `AudioSignal({ freq: 16000 })`, or `AudioSignal` alone for any sampling rate.
 *
 * Source: NeMo v1.0.0 `nemo.core.neural_types.elements.AudioSignal`.
 */
export const AudioSignal: AudioSignalClass = /* @__PURE__ */ callable(
  class AudioSignal extends ElementType {
    override readonly typeParameters: { readonly freq: number | null }

    constructor(options: AudioSignalOptions = {}) {
      super()
      this.typeParameters = { freq: options.freq ?? null }
    }

    acceptsFreq(freq: number): boolean {
      return this.typeParameters.freq === null || this.typeParameters.freq === freq
    }
  },
)

function callable(target: new (options?: AudioSignalOptions) => AudioSignal): AudioSignalClass {
  const proxy = new Proxy(target, {
    apply: (construct, _receiver, [options]: [AudioSignalOptions?]) => new construct(options),
  })
  // Bundlers rename class expressions; messages print this name.
  Object.defineProperty(target, 'name', { value: 'AudioSignal', configurable: true })
  // Comparison goes by `constructor`, which must be the one class that users can name and extend.
  Object.defineProperty(target.prototype, 'constructor', { value: proxy, writable: true, configurable: true })
  return proxy as AudioSignalClass
}
