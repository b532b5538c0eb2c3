import type { RandomGenerator } from '../modules/randomGenerator.js'

/**
 * Items in a random order without holding all of them: each is drawn from the next `size` ones. What NeMo's tarred
 * datasets call `shuffle_n`.
 *
 * @param size - Items held at a time; 1 or less keeps the order.
 */
export async function* shuffleBuffer<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  size: number,
  generator: RandomGenerator,
): AsyncGenerator<Item> {
  const held: Item[] = []
  const draw = (): Item => {
    const at = generator.integer(held.length)
    const drawn = held[at]!
    held[at] = held.at(-1)!
    held.pop()
    return drawn
  }
  for await (const item of items) {
    held.push(item)
    if (held.length >= size) yield draw()
  }
  while (held.length > 0) yield draw()
}
