import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { RandomGenerator, readManifest, writeManifest, writeWav } from '@nemo/audio'
import { type ConfigObject, Model, seedInitialisation, Trainer } from '@nemo/core'
import { ort } from '@nemo/graph'
import { afterAll, describe, expect, it } from 'vitest'
import { scratchFolder, tinyConfig } from '../../test/tinyRecogniser.js'
import {
  AngularSoftmaxLoss,
  AsrError,
  ClusteringDiarizer,
  EncDecSpeakerLabelModel,
  equalErrorRate,
  extractSpeakerEmbeddings,
  formatRttm,
  parseRttm,
  scoreTrials,
  speakerSimilarity,
} from '../index.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())
const folder = await scratchFolder()
const sampleRate = 8000
const speakers = ['ann', 'bob', 'cyd']

/** A buzz at a pitch of the speaker's own. */
function voice(speaker: string, seconds: number, take: number): Float32Array {
  const random = new RandomGenerator(take, speakers.indexOf(speaker))
  const hertz = [180, 420, 800][speakers.indexOf(speaker)]! * random.uniform(0.96, 1.04)
  return Float32Array.from({ length: Math.round(seconds * sampleRate) }, (_, t) => {
    const phase = (2 * Math.PI * hertz * t) / sampleRate
    return 0.2 * Math.sin(phase) + 0.1 * Math.sin(3 * phase) + 0.01 * random.normal()
  })
}

function config(changes: ConfigObject = {}): ConfigObject {
  const { labels: _, decoder: __, ...rest } = tinyConfig()
  return {
    ...rest,
    decoder: {
      _target_: 'nemo.collections.asr.modules.SpeakerDecoder',
      feat_in: 16,
      num_classes: 3,
      pool_mode: 'xvector',
      emb_sizes: 16,
      angular: true,
    },
    loss: { scale: 20, margin: 0.2 },
    preprocessor: { ...(rest.preprocessor as ConfigObject), normalize: 'all_features' },
    ...changes,
  }
}

function tiny(changes: ConfigObject = {}): EncDecSpeakerLabelModel {
  seedInitialisation(4)
  return new EncDecSpeakerLabelModel(config(changes))
}

async function corpus(name: string, takes: readonly number[], who: readonly string[] = speakers): Promise<string> {
  await mkdir(join(folder, name), { recursive: true })
  const rows = []
  for (const speaker of who) {
    for (const take of takes) {
      const path = join(folder, name, `${speaker}${take}.wav`)
      await writeWav(path, { sampleRate, channels: [voice(speaker, 0.5 + 0.1 * (take % 3), take)] })
      rows.push({ audio_filepath: path, duration: 0.5 + 0.1 * (take % 3), label: speaker })
    }
  }
  const manifest = join(folder, name, 'manifest.json')
  await writeManifest(manifest, rows)
  return manifest
}

const trained = (async () => {
  const model = tiny()
  const manifest_filepath = await corpus('train', [0, 1, 2, 3])
  await model.setupTrainingData({ manifest_filepath, batch_size: 12, time_length: 0.4, labels: null })
  await model.setupTestData({ manifest_filepath: await corpus('test', [7]), batch_size: 3 })
  const trainer = new Trainer({ max_epochs: 40, num_sanity_val_steps: 0 }, { runtime })
  await trainer.fit(model)
  return { model, tested: await trainer.test(model) }
})()

describe('a speaker model', () => {
  it('takes its speakers from the data, and learns them by an angular loss', async () => {
    const { model, tested } = await trained
    expect(model.loss).toBeInstanceOf(AngularSoftmaxLoss)
    expect(model.labels).toEqual(speakers)
    expect(tested['test_epoch_accuracy_top@1']).toBe(1)
  })

  it('gives embeddings by which speakers are told apart, the same after saving', async () => {
    const { model } = await trained
    const embeddings = await model.getEmbeddings([voice('ann', 0.6, 20), voice('ann', 0.7, 21), voice('cyd', 0.6, 22)])
    expect(embeddings.map(({ length }) => length)).toEqual([16, 16, 16])
    const [same, other] = [
      speakerSimilarity(embeddings[0]!, embeddings[1]!),
      speakerSimilarity(embeddings[0]!, embeddings[2]!),
    ]
    expect(same).toBeGreaterThan(other + 0.2)
    const { same: yes } = await model.verifySpeakers(voice('bob', 0.6, 23), voice('bob', 0.5, 24), { threshold: 0.7 })
    const { same: no, score } = await model.verifySpeakers(voice('bob', 0.6, 23), voice('ann', 0.5, 24), {
      threshold: 0.7,
    })
    expect([yes, no, score < 0.7]).toEqual([true, false, true])

    const path = join(folder, 'speakers.nemo')
    await model.saveTo(path)
    const restored = (await Model.restoreFrom(path)) as EncDecSpeakerLabelModel
    expect(restored.labels).toEqual(speakers)
    expect(await restored.getEmbedding(voice('ann', 0.6, 20))).toEqual(embeddings[0])
    await model.export(join(folder, 'speakers.onnx'))
    expect((await readFile(join(folder, 'speakers.onnx'))).length).toBeGreaterThan(1000)
  })

  it('learns by cross entropy without angles', () => {
    const decoder = { ...(config().decoder as ConfigObject), angular: false }
    expect(tiny({ decoder, loss: { scale: 30, margin: 0.2 } }).loss.constructor.name).toBe('CrossEntropyLoss')
    expect(tiny({ decoder }).labels).toEqual(['0', '1', '2'])
  })

  it('more speakers than classes are refused', async () => {
    const model = tiny({ decoder: { ...(config().decoder as ConfigObject), num_classes: 2 } })
    const setup = model.setupTrainingData({ manifest_filepath: await corpus('train', [0, 1, 2, 3]) })
    await expect(setup).rejects.toThrow(/decoder\.num_classes: expected a class for each of the 3 speakers.*found 2/)
  })

  it('is made to recognise others by data of theirs', async () => {
    const model = tiny()
    const encoder = await model.encoder.stateDict()
    const manifest_filepath = await corpus('two', [0, 1], ['ann', 'cyd'])
    await model.setupFinetuneModel({ train_ds: { manifest_filepath, batch_size: 2, labels: null } })
    expect(model.labels).toEqual(['ann', 'cyd'])
    expect(model.cfg).toMatchObject({ decoder: { num_classes: 2, angular: true }, labels: ['ann', 'cyd'] })
    expect(await model.encoder.stateDict()).toEqual(encoder)
    expect((await model.stateDict()).get('decoder.final.weight')!.shape).toEqual([2, 16])
    const wrong = model.setupFinetuneModel({ train_ds: { manifest_filepath }, decoder: { num_classes: 5 } })
    await expect(wrong).rejects.toThrow(/expected the number of speakers, 2, found 5/)
    await expect(model.setupFinetuneModel({})).rejects.toThrow(/train_ds/)
  })
})

describe('embeddings of a manifest', () => {
  it('go into a manifest, and trials are scored by them', async () => {
    const { model } = await trained
    const file = join(folder, 'embeddings.json')
    expect(await extractSpeakerEmbeddings(model, await corpus('more', [40, 41]), file, { runtime })).toBe(6)
    const embeddings = new Map<string, number[]>()
    for await (const { audioFile, fields } of readManifest(file, { target: 'label' }))
      embeddings.set(basename(audioFile), fields.embedding as number[])
    const alone = await model.getEmbedding(join(folder, 'more', 'bob41.wav'), { runtime })
    expect(embeddings.get('bob41.wav')).toEqual(Array.from(alone))
    const { scores, same } = scoreTrials('1 ann40.wav ann41.wav\n0 ann40.wav cyd41.wav\r\n\n', embeddings)
    expect(same).toEqual([true, false])
    expect(scores[0]).toBeGreaterThan(scores[1]!)
    expect(equalErrorRate(scores, same).rate).toBe(0)
    for (const [line, message] of [
      ['2 a b', 'line 1: expected "1 first second"'],
      ['1 ann40.wav nobody.wav', 'line 1: there is no embedding of nobody.wav'],
    ] as const)
      expect(() => scoreTrials(line, embeddings)).toThrow(message)
  })
})

describe('ClusteringDiarizer', () => {
  const turns = [
    { start: 0.2, duration: 3, speaker: 'ann' },
    { start: 3.4, duration: 2.5, speaker: 'cyd' },
    { start: 6, duration: 2, speaker: 'ann' },
    { start: 8.2, duration: 2.6, speaker: 'cyd' },
  ]

  async function talk(name: string): Promise<{ audio: string; rttm: string }> {
    const samples = new Float32Array(11 * sampleRate)
    for (const [take, { start, duration, speaker }] of turns.entries())
      samples.set(voice(speaker, duration, 30 + take), Math.round(start * sampleRate))
    const audio = join(folder, `${name}.wav`)
    await writeWav(audio, { sampleRate, channels: [samples] })
    const rttm = join(folder, `${name}.rttm`)
    await writeFile(rttm, formatRttm(turns, name))
    return { audio, rttm }
  }

  it('says who speaks when in stretches of speech that a manifest gives', async () => {
    const { model } = await trained
    const { audio, rttm } = await talk('talk')
    const manifest = join(folder, 'speech.json')
    await writeManifest(
      manifest,
      turns.map(({ start, duration }) => ({ audio_filepath: audio, offset: start, duration })),
    )
    const out_dir = join(folder, 'out')
    const diarizer = await ClusteringDiarizer.create({
      diarizer: {
        oracle_num_speakers: null,
        max_num_speakers: 4,
        out_dir,
        paths2audio_files: [audio],
        path2groundtruth_rttm_files: [rttm],
        speaker_embeddings: {
          oracle_vad_manifest: manifest,
          model_path: model,
          window_length_in_sec: 0.5,
          shift_length_in_sec: 0.25,
        },
      },
    })
    const { recordings, errors } = await diarizer.diarize(undefined, { runtime })
    expect(recordings[0]!.numSpeakers).toBe(2)
    expect(errors!.errorRate).toBeLessThan(0.02)
    const written = parseRttm(await readFile(recordings[0]!.rttmFile, 'utf8'))
    expect(written.length).toBe(recordings[0]!.segments.length)
    const embeddings = []
    for await (const row of readManifest(join(out_dir, 'speaker_outputs', 'embeddings.json'), { target: 'none' }))
      embeddings.push(row.fields.embedding)
    expect(embeddings.length).toBeGreaterThan(30)
    expect(embeddings[0]).toHaveLength(16)
  })

  it('recordings of one name, none, or no way to find speech are refused', async () => {
    const { model } = await trained
    const speaker_embeddings = { model_path: model, oracle_vad_manifest: 'x.json' }
    const diarizer = await ClusteringDiarizer.create({ diarizer: { out_dir: folder, speaker_embeddings } })
    await expect(diarizer.diarize(['a/talk.wav', 'b/talk.wav'])).rejects.toThrow('two recordings are named talk')
    await expect(diarizer.diarize()).rejects.toThrow(AsrError)
    const nothing = ClusteringDiarizer.create({
      diarizer: { out_dir: folder, speaker_embeddings: { model_path: model } },
    })
    await expect(nothing).rejects.toThrow('expected diarizer.vad.model_path or')
  })
})
