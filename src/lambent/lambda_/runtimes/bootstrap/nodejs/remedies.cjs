'use strict'
/*
 * What Lambent adds to the log of an error that is not the function's fault but this machine's: where AWS has something that
 * is not installed here, and what would change that. What the caller is told is AWS's sentence alone.
 */

const fs = require('fs')
const path = require('path')

const { logError } = require('./logging.cjs')
const { obstacle } = require('./node_path.cjs')

const MISSING = /Cannot find (?:module|package) '([^']+)'/
const OF_AWS = /^(@(?:aws-sdk|smithy|aws-crypto)\/[^/]+)/

/** Logs an error that ended an invocation, or more. */
function logFailure (what, error) {
  logError(what, error)
  const sentence = remedy(error)
  if (sentence !== null) console.error(sentence)
}

function remedy (error) {
  const [, specifier] = MISSING.exec(error?.message) ?? []
  if (specifier === undefined) return null
  const [name] = OF_AWS.exec(specifier) ?? []
  if (name !== undefined) return remedyForSdk(name)
  if (obstacle === null || error.code !== 'ERR_MODULE_NOT_FOUND') return null
  return `Lambent: with Node.js ${process.versions.node}, import does not look into layers (${obstacle.message}); Node.js 18.19, ` +
    '20.6 and later do.'
}

function remedyForSdk (name) {
  const installed = (process.env.NODE_PATH ?? '').split(path.delimiter).some((place) => fs.existsSync(path.join(place, '@aws-sdk')))
  const how = installed ? `lambent sdk ${name}` : 'lambent sdk'
  const what = installed ? `has the AWS SDK for JavaScript without ${name}` : 'has not installed the AWS SDK for JavaScript'
  return `Lambent ${what}, which is part of this runtime in AWS. Run \`${how}\` where Lambent is installed (it needs npm) and ` +
    `restart Lambent, or bring ${name} in the function's package or in a layer.`
}

module.exports = { logFailure }
