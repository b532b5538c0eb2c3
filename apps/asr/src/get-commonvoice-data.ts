/**
 * Fetches a language of Common Voice and writes its manifests. Mozilla gives the address after one has agreed to its terms: --url.
 *
 *   pnpm recipe asr/get-commonvoice-data --data_root DIR --version V --language L [--url URL] [--files_to_process train.tsv,...]
 */
import { prepareCommonVoice } from './prepare/commonVoice.js'
import { runPreparation } from './prepare/preparationCommand.js'

await runPreparation(
  'pnpm recipe asr/get-commonvoice-data --data_root DIR [--version V] [--language L] [--url URL] [--manifest_dir DIR] [--files_to_process test.tsv,...]',
  {
    manifest_dir: './',
    version: 'cv-corpus-5.1-2020-06-22',
    language: 'en',
    files_to_process: 'test.tsv,dev.tsv,train.tsv',
    url: undefined,
  },
  (preparation, { manifest_dir, version, language, files_to_process, url }) =>
    prepareCommonVoice(preparation, {
      version: String(version),
      language: String(language),
      files: String(files_to_process).split(','),
      manifestDir: String(manifest_dir),
      url: typeof url === 'string' ? url : undefined,
    }),
)
