/**
 * Downloads the Free Spoken Digit Dataset and writes a manifest of its recordings, with digit and speaker.
 *
 *   pnpm recipe asr/get-fsdd-data --data_root DIR
 */
import { join } from 'node:path'
import { digitWords } from './corpus/digitWords.js'
import { loadFsdd } from './corpus/fsdd.js'
import { downloadFsdd } from './corpus/fsddDownload.js'
import { manifestOfFiles } from './prepare/manifestOfFiles.js'
import { runPreparation } from './prepare/preparationCommand.js'

await runPreparation('pnpm recipe asr/get-fsdd-data --data_root DIR', {}, async (preparation) => {
  const { dataRoot, mirror, progress } = preparation
  const name = 'free-spoken-digit-dataset'
  const dir = await downloadFsdd({
    dir: join(dataRoot, name),
    ...(mirror !== undefined && { url: `${mirror}/v1.0.10.zip` }),
    onProgress: (bytes, wanted) => progress?.downloaded(name, bytes, wanted),
  })
  const { recordings } = await loadFsdd(dir)
  const files = recordings.map(({ path, digit, speaker }) => {
    const word = digitWords[digit]!
    return { audio_filepath: path, text: word, command: word, speaker }
  })
  return [await manifestOfFiles(join(dataRoot, 'fsdd_manifest.json'), files, preparation)]
})
