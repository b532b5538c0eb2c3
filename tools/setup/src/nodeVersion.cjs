/** The check of the Node version. CommonJS in ES5, for the reason given in `cli.cjs`. */
'use strict'

/** @param {string} version @returns {number[]} */
function numbers(version) {
  return version
    .replace(/^[^0-9]*/, '')
    .split('.')
    .map(function (part) {
      return parseInt(part, 10) || 0
    })
}

/**
 * @param {string} version - Such as `20.19.0`.
 * @param {string} range - The `engines.node` of package.json; only the form `>=A.B.C` is understood.
 * @returns {boolean}
 */
exports.isAtLeast = function (version, range) {
  var have = numbers(version)
  var need = numbers(range)
  for (var i = 0; i < 3; i++) {
    var difference = (have[i] || 0) - (need[i] || 0)
    if (difference !== 0) return difference > 0
  }
  return true
}

/**
 * @param {string} version
 * @param {string} range
 * @param {string} executable
 * @returns {string}
 */
exports.tooOldMessage = function (version, range, executable) {
  return (
    'This repository needs Node ' +
    range +
    ', but is run by Node ' +
    version +
    ' (' +
    executable +
    ').\n' +
    'Install a newer Node (https://nodejs.org, or your version manager: `nvm install 22`) and run the command again.'
  )
}
