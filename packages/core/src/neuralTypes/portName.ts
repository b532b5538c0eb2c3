import { NeuralTypeDefinitionError } from './errors.js'
import { type PortTypes, portDeclarations } from './ports.js'

/**
 * The NeMo and ONNX name of a port: `portName('audioSignal')` is `'audio_signal'`. A capital starts a new word, and so
 * does the last capital of a run of them: `melSTFTLoss` is `mel_stft_loss`. Digits stay with the word before them.
 *
 * @param key - The key of the port in `inputTypes` or `outputTypes`.
 * @param ports - The table that the port is in, for names given with `port(..., { name })`.
 */
export function portName(key: string, ports?: PortTypes): string {
  const given = ports === undefined ? null : portDeclarations(ports).get(key)?.neuralType.portName
  return (
    given ??
    key
      .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1_$2')
      .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1_$2')
      .toLowerCase()
  )
}

/**
 * The key of the port with a NeMo or ONNX name: `portKey('audio_signal')` is `'audioSignal'`.
 *
 * @param name - A snake_case name.
 * @param ports - The table to look the name up in. With it, names that no port has give `undefined`.
 */
export function portKey(name: string): string
export function portKey(name: string, ports: PortTypes): string | undefined
export function portKey(name: string, ports?: PortTypes): string | undefined {
  if (ports !== undefined) return portNames(ports).get(name)
  return name.replace(/(?<=.)_+([^_])/g, (_, letter: string) => letter.toUpperCase())
}

/**
 * NeMo and ONNX names of all ports of a table, in order, each with its key.
 *
 * @throws NeuralTypeDefinitionError if two ports have one name.
 */
export function portNames(ports: PortTypes): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const key of portDeclarations(ports).keys()) {
    const name = portName(key, ports)
    const other = names.get(name)
    if (other !== undefined) {
      throw new NeuralTypeDefinitionError(
        `ports ${other} and ${key} have one name, '${name}': give one of them another with port(..., { name }).`,
      )
    }
    names.set(name, key)
  }
  return names
}
