import { expect, it } from 'vitest'
import { fixture } from '../test/npy.js'
import { clipDuration, readAudioClip, readAudioInfo } from './index.js'

it.each([
  'speech.wav',
  'six-24.wav',
  'speech-alaw.wav',
  'speech.flac',
  'stereo-24.flac',
  'stereo.mp3',
  'stereo.ogg',
  'six.opus',
])('%s: what its decoded audio has', async (name) => {
  const clip = await readAudioClip(fixture(`formats/${name}`))
  expect(await readAudioInfo(fixture(`formats/${name}`))).toEqual({
    sampleRate: clip.sampleRate,
    channels: clip.channels.length,
    duration: clipDuration(clip),
  })
})

it('what is no audio is refused', async () => {
  await expect(readAudioInfo(fixture('perturb/case.json'))).rejects.toThrow(/case.json/)
})
