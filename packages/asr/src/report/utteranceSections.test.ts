import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeWav, encodeWav, readAudio, writeManifest, writeWav } from '@nemo/audio'
import { type ConfigObject, expManager, LogHub, seedInitialisation, type TextSamplesSection, Trainer } from '@nemo/core'
import { ort } from '@nemo/graph'
import { afterAll, describe, expect, it } from 'vitest'
import { scratchFolder, tinyConfig, tones, writeCorpus } from '../../test/tinyRecogniser.js'
import { EncDecCTCModel } from '../index.js'
import { type RecognizedUtterance, utteranceSections } from './utteranceSections.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())
const folder = await scratchFolder()
const manifest = await writeCorpus(join(folder, 'plain'), ['ab', 'ba', 'ca', 'bc'])

function tiny(changes: ConfigObject = {}): EncDecCTCModel {
  seedInitialisation(3)
  return new EncDecCTCModel(tinyConfig(changes))
}

const sampleRate = 8000
const audioFile = join(folder, 'long.wav')
await mkdir(folder, { recursive: true })
await writeWav(audioFile, { sampleRate, channels: [tones('abca')] })

const section = async (utterances: readonly RecognizedUtterance[], options = {}): Promise<TextSamplesSection> => {
  const sections = await utteranceSections(tiny(), utterances, { set: 'dev', ...options })
  expect(sections).toHaveLength(1)
  return sections[0] as TextSamplesSection
}

describe('utteranceSections', () => {
  const utterance = (reference: string, hypothesis: string) => ({ reference, hypothesis, audioFile })

  it('shows those with most errors for their length, then some without', async () => {
    const right = utterance('a b', 'a b')
    const half = utterance('a b', 'a')
    const third = utterance('a b c', 'a c')
    const all = utterance('', 'c')
    const { title, description, unit, samples } = await section([right, third, half, right, all, right], {
      worst: 3,
      right: 2,
    })
    expect({ title, unit }).toEqual({ title: 'Utterances: dev', unit: 'word' })
    expect(description).toContain('3 utterances of 6 with errors')
    expect(samples.map(({ reference, note }) => [reference, note])).toEqual([
      ['', '1 error in 0 words'],
      ['a b', '1 error in 2 words'],
      ['a b c', '1 error in 3 words'],
      ['a b', '0 errors in 2 words'],
      ['a b', '0 errors in 2 words'],
    ])
    expect((await section([half, third], { worst: 1 })).samples).toHaveLength(1)
    expect(await utteranceSections(tiny(), [], { set: 'dev' })).toEqual([])
  })

  it('counts characters where the error rate does', async () => {
    const { unit, samples } = await section([utterance('ab', 'b')], { useCer: true })
    expect([unit, samples[0]!.note]).toEqual(['character', '1 error in 2 characters'])
  })

  it('plays and draws just the part of the file, as the model hears it', async () => {
    const whole = (await section([{ ...utterance('ab', 'a'), duration: 0 }])).samples[0]!
    const part = (await section([{ ...utterance('ab', 'a'), offset: 0.25, duration: 0.5 }])).samples[0]!
    expect([whole.label, part.label]).toEqual(['long.wav', 'long.wav from 0.25 s'])
    const { samples } = await readAudio(audioFile, { sampleRate, offset: 0.25, duration: 0.5 })
    expect(samples).toHaveLength(4000)
    expect(part.wav).toEqual(encodeWav({ sampleRate, channels: [samples] }))
    expect(decodeWav(whole.wav!).channels[0]).toEqual((await readAudio(audioFile, { sampleRate })).samples)
    expect([...part.png!.subarray(1, 4)].map((code) => String.fromCharCode(code)).join('')).toBe('PNG')
    // Frames every 10 ms, each 12 pixels wide at most; the width stands in the file's head.
    const width = (png: Uint8Array) => new DataView(png.buffer, png.byteOffset).getUint32(16)
    expect(width(part.png!)).toBe(51 * 12)
  })
})

describe('expManager', () => {
  it("writes a recogniser's worst utterances with sound and spectrogram into the report", async () => {
    const model = tiny()
    await model.setupTrainingData({ manifest_filepath: manifest, batch_size: 4 })
    await model.setupMultipleValidationData({ manifest_filepath: manifest, batch_size: 4 })
    const other = join(folder, 'other_manifest.json')
    const row = { audio_filepath: audioFile, text: 'b', duration: 0.2, offset: 0.2 }
    await writeManifest(other, [row])
    await model.setupMultipleTestData({ manifest_filepath: [manifest, other], batch_size: 4 })
    const trainer = new Trainer({ max_epochs: 1, num_sanity_val_steps: 0 }, { runtime })
    const exp_dir = join(folder, 'runs')
    const run = await expManager(trainer, { exp_dir, create_checkpoint_callback: false }, { log: new LogHub([]) })
    const report = () => readFile(join(run.dir, 'report.html'), 'utf8')
    await trainer.fit(model)
    expect(run.evaluations.sets.map(({ name }) => name)).toEqual(['val'])
    expect(await report()).toContain('Utterances: val')
    const metrics = await trainer.test(model)
    await run.finish()
    const names = model.testLoaders.map(({ name }) => name)
    expect(run.evaluations.sets.map(({ name }) => name)).toEqual(names)
    const html = await report()
    for (const name of names) expect(html).toContain(`Utterances: ${name}`)
    expect(html).not.toContain('Utterances: val')
    expect(html).toContain('long.wav from 0.2 s')
    expect(html.match(/<audio/g)).toHaveLength(5)
    expect(html.match(/data:image\/png/g)).toHaveLength(5)
    const rate = String(Number((metrics.test_wer! * 100).toFixed(2)))
    expect(html.replaceAll(/<[^>]*>/g, ' ')).toMatch(new RegExp(`test_wer\\s+${rate.replace('.', '\\.')}\\s*%`))
    expect(html).toContain(model.numWeights.toLocaleString('en-US'))
  })
})
