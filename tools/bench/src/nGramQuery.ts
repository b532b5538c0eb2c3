/** Our side of `pnpm bench ngram`: scores texts, sentence by sentence and by numbers of words, and estimates models. */
import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { estimateNGramsToFile, loadLanguageModel, type NGramLanguageModel, splitWords } from '@nemo/asr'

const models = new Map<string, NGramLanguageModel>()
const texts = new Map<string, { lines: readonly string[]; ids: Map<NGramLanguageModel, Int32Array> }>()
const answer = (value: object): void => console.log(JSON.stringify(value))

answer({ node: process.version })
for await (const command of createInterface({ input: process.stdin })) {
  const [name, first, second, ...rest] = command.split(' ')
  if (name === 'quit') {
    answer({ peakRssBytes: process.resourceUsage().maxRSS * 1024 })
    break
  }
  if (name === 'estimate') {
    const before = process.cpuUsage()
    const start = performance.now()
    const corpus = createReadStream(first!, { highWaterMark: 1 << 20 })
    const { orders } = await estimateNGramsToFile(corpus, second!, { order: Number(rest[0]), memory: Number(rest[1]) })
    const { user, system } = process.cpuUsage(before)
    answer({
      ms: performance.now() - start,
      cpuSeconds: (user + system) / 1e6,
      counts: orders.map(({ kept }) => kept),
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
    })
    continue
  }
  const model = models.get(first!) ?? (await loadLanguageModel(first!))
  models.set(first!, model)
  const text = texts.get(second!) ?? { lines: readFileSync(second!, 'utf8').split('\n').slice(0, -1), ids: new Map() }
  texts.set(second!, text)
  answer(name === 'score' ? scoreLines(model, text.lines) : scoreNumbers(model, idsOf(model, text)))
}

function scoreLines(model: NGramLanguageModel, lines: readonly string[]): object {
  const before = process.cpuUsage()
  const start = performance.now()
  let total = 0
  for (const line of lines) total += model.score(line)
  const ms = performance.now() - start
  const { user } = process.cpuUsage(before)
  return { ms, cpuSeconds: user / 1e6, total }
}

// What kenlm_benchmark does: words are numbers already, and sentences end with that of </s>.
function scoreNumbers(model: NGramLanguageModel, ids: Int32Array): object {
  const end = model.index('</s>')
  const before = process.cpuUsage()
  const start = performance.now()
  let total = 0
  let state = model.newState()
  let next = model.newState()
  let first = true
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!
    total += model.scoreWord(first ? model.beginState : state, id, next)
    first = id === end
    const free = state
    state = next
    next = free
  }
  const ms = performance.now() - start
  const { user } = process.cpuUsage(before)
  return { ms, cpuSeconds: user / 1e6, tokens: ids.length, total }
}

function idsOf(
  model: NGramLanguageModel,
  text: { readonly lines: readonly string[]; readonly ids: Map<NGramLanguageModel, Int32Array> },
): Int32Array {
  const known = text.ids.get(model)
  if (known) return known
  const end = model.index('</s>')
  const ids = Int32Array.from(text.lines.flatMap((line) => [...splitWords(line).map((word) => model.index(word)), end]))
  text.ids.set(model, ids)
  return ids
}
