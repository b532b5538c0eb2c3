import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['@nemo/source'] },
  ssr: { resolve: { conditions: ['@nemo/source'], externalConditions: ['@nemo/source'] } },
  test: {
    include: [
      'packages/*/{src,test}/**/*.test.ts',
      'apps/*/{src,test}/**/*.test.ts',
      'tools/*/{src,test}/**/*.test.ts',
    ],
    // Tests of types: the compiler runs over these files and its errors are their failures (those of other sources are the typecheck step's).
    typecheck: {
      enabled: true,
      include: ['packages/*/{src,test}/**/*.test-d.ts'],
      tsconfig: './tsconfig.json',
      ignoreSourceErrors: true,
    },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    server: { deps: { inline: [/@nemo\//] } },
  },
})
