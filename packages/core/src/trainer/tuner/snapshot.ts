import type { Model } from '../../models/model.js'

/** Keeps the values of all weights and buffers; the function that it returns puts them back. */
export async function snapshot(model: Model): Promise<() => void> {
  const tensors = [...model.parameters(), ...model.namedBuffers({ all: true }).values()]
  const values = await Promise.all(tensors.map((tensor) => tensor.value()))
  return () => {
    for (const [i, tensor] of tensors.entries()) tensor.set(values[i]!)
  }
}
