import { expect, test } from 'vitest'
import { packageFaults } from '../src/packageRules.js'
import type { Manifest, PackedPackage } from '../src/packedPackage.js'
import { closureOf } from '../src/packedPackage.js'

const manifest: Manifest = {
  name: '@nemo/x',
  version: '1.0.0',
  license: 'Apache-2.0',
  type: 'module',
  exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
  dependencies: { '@nemo/graph': '1.0.0' },
}

const packed = (change: Partial<Manifest> = {}, files: Record<string, string | undefined> = {}): PackedPackage => {
  const contents = {
    'package.json': '{}',
    'README.md': '# x',
    LICENSE: 'text',
    'dist/index.js': '',
    'dist/index.d.ts': '',
    ...files,
  }
  return {
    manifest: { ...manifest, ...change },
    tarball: 'x.tgz',
    files: new Map(
      Object.entries(contents).flatMap(([file, text]) => (text === undefined ? [] : [[file, Buffer.from(text)]])),
    ),
  }
}

test('a package with built code, README and LICENSE has no faults', () => {
  expect(packageFaults(packed())).toEqual([])
})

test.each([
  ['README.md', undefined, 'README.md is missing or empty'],
  ['README.md', '  \n', 'README.md is missing or empty'],
  ['LICENSE', undefined, 'LICENSE is missing or empty'],
  ['src/index.ts', '', 'src/index.ts does not belong into the tarball'],
  ['dist/a.test.js', '', 'dist/a.test.js does not belong into the tarball'],
  ['dist/a.test-d.d.ts', '', 'dist/a.test-d.d.ts does not belong into the tarball'],
  ['dist/test/a.js', '', 'dist/test/a.js does not belong into the tarball'],
  ['tsconfig.json', '{}', 'tsconfig.json does not belong into the tarball'],
  ['dist/index.d.ts', undefined, '"exports" . > types is "./dist/index.d.ts", which is not in the tarball'],
])('%s with content %j', (file, text, fault) => {
  expect(packageFaults(packed({}, { [file]: text }))).toEqual([fault])
})

test.each<[Partial<Manifest>, string]>([
  [{ license: 'MIT' }, '"license" is "MIT"; expected "Apache-2.0"'],
  [{ type: 'commonjs' }, '"type" is "commonjs"; expected "module"'],
  [
    { dependencies: { '@nemo/graph': 'workspace:*' } },
    'dependency @nemo/graph is "workspace:*", which only this workspace understands',
  ],
  [
    { scripts: { postinstall: 'node x' } },
    '"scripts" has postinstall, which would run for everyone who installs the package',
  ],
  [{ exports: {} }, '"exports" is empty'],
  [{ exports: './dist/index.js' }, '"exports" has no "types"'],
  [
    { exports: { '.': { '@nemo/source': './dist/index.js', types: './dist/index.d.ts' } } },
    '"exports" . > @nemo/source is for this workspace only; publishConfig.exports must leave it out',
  ],
  [
    { exports: { '.': { types: './dist/index.d.ts', default: 'dist/index.js' } } },
    '"exports" . > default is "dist/index.js"; expected a path that starts with ./',
  ],
])('package.json with %j', (change, fault) => {
  expect(packageFaults(packed(change))).toEqual([fault])
})

test('the closure of a package is it and all of ours below it', () => {
  const packages = [
    packed({ name: '@nemo/asr', dependencies: { '@nemo/core': '1', zod: '1' } }),
    packed({ name: '@nemo/core', dependencies: { '@nemo/graph': '1' } }),
    packed({ name: '@nemo/graph', dependencies: {} }),
    packed({ name: '@nemo/nlp', dependencies: { '@nemo/core': '1' } }),
  ]
  expect(closureOf('@nemo/asr', packages).map((each) => each.manifest.name)).toEqual([
    '@nemo/asr',
    '@nemo/core',
    '@nemo/graph',
  ])
})
