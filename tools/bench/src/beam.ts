import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { countErrors, estimateNGrams, writeLanguageModel } from '@nemo/asr'
import { alternate } from './alternate.js'
import { type BeamTask, unsureLogProbs } from './beamTask.js'
import { writeResult } from './benchResult.js'
import { LineProcess } from './lineProcess.js'
import { writeMadeUpText } from './madeUpText.js'
import { randomNumbers } from './randomNumbers.js'
import { median, summarize } from './statistics.js'

/** Help of `pnpm bench beam`. */
export const beamHelp = `pnpm bench beam [options]

CTC beam search with a 3-gram model beside pyctcdecode: the same log-probabilities of 28 characters, the same model and the same
settings, two processes taking turns, one thread each. Writes tools/bench/results/beam.json.

The peer needs:   python3 -m venv .cache/pyctc && .cache/pyctc/bin/pip install pyctcdecode kenlm

  --python FILE     Python that has pyctcdecode and kenlm. Default .cache/pyctc/bin/python
  --utterances N    Default 40
  --sentences N     that the language model is made of. Default 100000
  --width N         Default 100
  --rounds N        Default 5
  --work FOLDER     for the model. Default .cache/bench-beam`

interface Answer {
  readonly ms: number
  readonly cpuSeconds: number
  readonly texts: readonly string[]
}

/** Runs the benchmark and prints its table. */
export async function beam(args: readonly string[], root: string): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      python: { type: 'string', default: join(root, '.cache/pyctc/bin/python') },
      utterances: { type: 'string', default: '40' },
      sentences: { type: 'string', default: '100000' },
      width: { type: 'string', default: '100' },
      rounds: { type: 'string', default: '5' },
      work: { type: 'string', default: join(root, '.cache/bench-beam') },
    },
  })
  const work = resolve(values.work)
  const task = await makeTask(work, Number(values.sentences), Number(values.utterances), Number(values.width))
  const ours = ['--conditions=@nemo/source', '--import', import.meta.resolve('tsx')]
  const processes = [
    new LineProcess('@nemo/asr', process.execPath, [...ours, join(import.meta.dirname, 'beamDecode.ts'), work]),
    new LineProcess('pyctcdecode', values.python, [join(root, 'tools/bench/peers/pyctcdecode_beam.py'), work]),
  ]
  try {
    const facts = (await Promise.all(processes.map((child) => child.next()))) as Record<string, unknown>[]
    const names = ['@nemo/asr', `pyctcdecode ${facts[1]?.pyctcdecode ?? ''}`]
    const answers = processes.map((): Answer[] => [])
    await alternate(
      processes.map((child, i) => ({
        name: names[i]!,
        measure: async () => {
          const found = (await child.ask('decode')) as Answer
          answers[i]!.push(found)
          return found.ms
        },
      })),
      { rounds: Number(values.rounds), warmup: 1 },
    )
    const sides = names.map((name, i) => {
      const measured = answers[i]!.slice(1)
      const perUtterance = (of: (answer: Answer) => number) =>
        summarize(measured.map((answer) => of(answer) / task.frames.length))
      const counts = answers[i]![0]!.texts.map((text, k) => countErrors(text, task.references[k]!))
      const wer =
        counts.reduce((sum, { errors }) => sum + errors, 0) / counts.reduce((sum, { units }) => sum + units, 0)
      return {
        name,
        cpuMsPerUtterance: perUtterance(({ cpuSeconds }) => 1000 * cpuSeconds),
        msPerUtterance: perUtterance(({ ms }) => ms),
        wordErrorRate: wer,
      }
    })
    const [own, theirs] = sides as [(typeof sides)[0], (typeof sides)[0]]
    const ratios = {
      cpu: theirs.cpuMsPerUtterance.median / own.cpuMsPerUtterance.median,
      wall: median(answers[0]!.slice(1).map(({ ms }, round) => answers[1]![round + 1]!.ms / ms)),
    }
    for (const { name, cpuMsPerUtterance, msPerUtterance, wordErrorRate } of sides) {
      const times = `${msPerUtterance.median.toFixed(1)} ms an utterance, ${cpuMsPerUtterance.median.toFixed(1)} of processor time`
      console.log(`${name.padEnd(20)}${times}; word error rate ${(100 * wordErrorRate).toFixed(2)} %`)
    }
    const same = answers[0]![0]!.texts.filter((text, i) => text === answers[1]![0]!.texts[i]).length
    console.log(`\nthe same text for ${same} of ${task.frames.length} utterances`)
    console.log(
      `speed: ${ratios.wall.toFixed(2)} x pyctcdecode's, ${ratios.cpu.toFixed(2)} x by processor time (aim: at least 1)`,
    )
    const frames = summarize(task.frames)
    const setting = {
      utterances: task.frames.length,
      frames,
      classes: task.labels.length + 1,
      beamWidth: task.beamWidth,
    }
    console.log(`\n${await writeResult('beam', { setting, ratios, sides, sameTexts: same })}`)
    for (const child of processes) await child.ask('quit')
  } finally {
    for (const child of processes) child.kill()
  }
}

async function makeTask(work: string, sentences: number, utterances: number, beamWidth: number): Promise<BeamTask> {
  mkdirSync(work, { recursive: true })
  const corpus = join(work, 'corpus.txt')
  writeMadeUpText(corpus, sentences + utterances, 1)
  const lines = readFileSync(corpus, 'utf8').split('\n').slice(0, -1)
  const { model } = await estimateNGrams([`${lines.slice(utterances).join('\n')}\n`], { order: 3 })
  const languageModel = join(work, 'model.bin')
  await writeLanguageModel(model, languageModel)
  const labels = [...' abcdefghijklmnopqrstuvwxyz', "'"]
  const random = randomNumbers(3)
  const references = lines.slice(0, utterances)
  const made = references.map((text) => unsureLogProbs(text, labels, random))
  writeFileSync(join(work, 'logProbs.f32'), Buffer.concat(made.map(({ data }) => new Uint8Array(data.buffer))))
  const task: BeamTask = {
    labels,
    frames: made.map(({ frames }) => frames),
    references,
    languageModel,
    words: model.words()!.slice(3),
    alpha: 0.5,
    beta: 1.5,
    unknownScore: -10,
    beamWidth,
    beamPruneLogProb: -10,
    minLogProb: -5,
  }
  writeFileSync(join(work, 'task.json'), JSON.stringify(task))
  return task
}
