/** How a workgroup of edge x edge threads cuts a product: a tile of (4 edge)² results, `depth` of the inner axis at a time. */
export interface ProductTile {
  readonly edge: 8 | 16
  readonly depth: 8 | 16 | 32
}

/** Tiles of products with at least 64 rows and columns, and of the others. */
export interface Tiles {
  readonly large: ProductTile
  readonly small: ProductTile
}

/** What every device runs well enough. */
export const DEFAULT_TILES: Tiles = { large: { edge: 16, depth: 16 }, small: { edge: 8, depth: 16 } }

/** Keeps what was measured, so that a device is measured once: a file, a browser's storage. */
export interface TuningStore {
  /** What was saved, or nothing. */
  load(): Promise<string | undefined>
  save(text: string): Promise<void>
}

const EDGES = [8, 16] as const
const DEPTHS = [8, 16, 32] as const

/** Every way to cut a product; each fits into the workgroup memory that all devices have. */
export const CANDIDATES: readonly ProductTile[] = EDGES.flatMap((edge) => DEPTHS.map((depth) => ({ edge, depth })))

// Changes with the kernels, so that old measurements are not taken for new ones.
const VERSION = 1

/**
 * The best tiles of a device: those that were saved for it, or measured ones, which are saved.
 *
 * @param adapter - Names the device.
 * @param measure - Milliseconds of a product of a kind, cut in a way.
 */
export async function tunedTiles(
  adapter: string,
  store: TuningStore,
  measure: (kind: keyof Tiles, tile: ProductTile) => Promise<number>,
): Promise<Tiles> {
  const saved = parse(await store.load())
  const known = saved[adapter]
  if (known) return known
  const fastest = async (kind: keyof Tiles): Promise<ProductTile> => {
    let best: { readonly tile: ProductTile; readonly time: number } | undefined
    for (const tile of CANDIDATES) {
      const time = await measure(kind, tile)
      if (!best || time < best.time) best = { tile, time }
    }
    return best!.tile
  }
  const tiles = { large: await fastest('large'), small: await fastest('small') }
  await store.save(`${JSON.stringify({ version: VERSION, adapters: { ...saved, [adapter]: tiles } }, null, 2)}\n`)
  return tiles
}

// What cannot be read was not saved: it is measured again and replaced.
function parse(text: string | undefined): Record<string, Tiles> {
  if (text === undefined) return {}
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    return {}
  }
  const { version, adapters } = (found ?? {}) as { version?: unknown; adapters?: unknown }
  if (version !== VERSION || typeof adapters !== 'object' || adapters === null) return {}
  return Object.fromEntries(Object.entries(adapters).filter(([, tiles]) => areTiles(tiles))) as Record<string, Tiles>
}

const areTiles = (value: unknown): boolean => {
  const { large, small } = (value ?? {}) as { large?: unknown; small?: unknown }
  return [large, small].every((tile) => {
    const { edge, depth } = (tile ?? {}) as Partial<ProductTile>
    return CANDIDATES.some((known) => known.edge === edge && known.depth === depth)
  })
}
