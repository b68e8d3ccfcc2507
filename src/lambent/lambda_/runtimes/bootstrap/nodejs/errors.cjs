'use strict'
/*
 * The errors of the runtime itself, and the three forms in which any error leaves it: to the caller, to the log, to X-Ray.
 *
 * Sources: reference/lambda.md 2.5; AWS's client (aws-lambda-ric 3.3 and 4.0), whose outputs these forms are.
 */

const util = require('util')

class RuntimeError extends Error {
  constructor (type, message) {
    super(message)
    this.name = `Runtime.${type}`
    Object.defineProperty(this, 'name', { enumerable: false })
    Error.captureStackTrace(this, RuntimeError)
  }
}

class UnhandledPromiseRejection extends RuntimeError {
  constructor (reason, promise) {
    super('UnhandledPromiseRejection', reason === undefined ? undefined : String(reason))
    this.reason = reason
    this.promise = promise
  }
}

const HANDLED = 'callback called with Error argument, but there was a problem while retrieving one or more of its message, ' +
  'name, and stack'

/** What AWS's client makes of a result that JSON has nothing for (a function, a symbol): its native part takes only text. */
function refuse () {
  throw new TypeError('Wrong arguments')
}

/** What the caller of the function sees, as an object. */
function forCaller (error) {
  try {
    if (!isError(error)) return { errorType: typeof error, errorMessage: String(error), trace: [] }
    return { errorType: escaped(error.name), errorMessage: escaped(error.message), trace: escaped(error.stack).split('\n') }
  } catch {
    return { errorType: 'handled', errorMessage: HANDLED, trace: [] }
  }
}

/** What a line of the text log has of it, behind a tab. */
function forLog (error) {
  try {
    return '\t' + JSON.stringify(error, (_, value) => value instanceof Error ? enumerable(value) : value)
  } catch {
    return '\t' + JSON.stringify(forCaller(error))
  }
}

/** The cause as X-Ray takes it, as JSON; '' when there is none to be had. */
function forXRay (error) {
  try {
    const frames = typeof error.stack === 'string' ? escaped(error.stack).split('\n').slice(1).map(frame) : []
    return JSON.stringify({
      working_directory: process.cwd(),
      exceptions: [{ type: escaped(error.name), message: escaped(error.message), stack: frames }],
      paths: [...new Set(frames.map(({ path }) => path))]
    })
  } catch {
    return ''
  }
}

/** `    at label (path:line:column)`, or without a label and its brackets. */
function frame (line) {
  const words = line.trim().replace(/[()]/g, '').split(' ').slice(1)
  const [path, number] = (words.pop() || '').split(':')
  return { path, line: parseInt(number), label: words.join(' ') || 'anonymous' }
}

function enumerable (error) {
  const fields = { errorType: error.name, errorMessage: error.message, code: error.code, ...error }
  if (typeof error.stack === 'string') fields.stack = error.stack.split('\n')
  return fields
}

/** Errors of other realms, and what has all that makes an error one. */
function isError (value) {
  const has = (name) => typeof value[name] === 'string' && value[name] !== ''
  return util.types.isNativeError(value) || Boolean(value && has('name') && has('message') && has('stack'))
}

function asError (value) {
  return value instanceof Error ? value : new Error(value)
}

function escaped (text) {
  return text === undefined || text === null ? text : text.replace(/\x7F/g, '%7F')
}

module.exports = { RuntimeError, UnhandledPromiseRejection, asError, forCaller, forLog, forXRay, refuse }
