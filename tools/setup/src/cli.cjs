/**
 * Entry of `npm start`, `npm test`, `npm run setup` and `pnpm recipe`.
 *
 * This file alone must parse on very old Node versions, so that they get the message below and not a
 * syntax error: keep it CommonJS in ES5. Everything else is loaded after the version check.
 */
'use strict'

var path = require('path')

var root = path.resolve(__dirname, '..', '..', '..')
var required = require(path.join(root, 'package.json')).engines.node
var nodeVersion = require('./nodeVersion.cjs')

if (!nodeVersion.isAtLeast(process.versions.node, required)) {
  console.error(nodeVersion.tooOldMessage(process.versions.node, required, process.execPath))
  process.exit(1)
}

import('./commands.mjs')
  .then(function (commands) {
    return commands.main(root, process.argv.slice(2))
  })
  .then(
    function (exitCode) {
      process.exitCode = exitCode
    },
    function (error) {
      console.error(error)
      process.exitCode = 1
    },
  )
