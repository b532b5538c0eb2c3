import { readdirSync } from 'node:fs'
import { readAudio, writeWav } from '@nemo/audio'

const d = '/work/shared/data/ljspeech-sample/wavs'
for (const f of readdirSync(d).slice(0, 3))
  await writeWav(`/tmp/qnaudio/${f}`, await readAudio(`${d}/${f}`, { sampleRate: 16000 }))
