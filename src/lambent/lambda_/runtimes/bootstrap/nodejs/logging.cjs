'use strict'
/*
 * console.* as AWS has it: one record a call, with time, request id and level, or as JSON, filtered by level.
 *
 * A record is one line on standard output. Newlines inside it become carriage returns, which the server turns back, so
 * that a record of many lines is one log event. What is written to process.stdout directly passes as it is.
 */

const util = require('util')

const { asError, forLog } = require('./errors.cjs')

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']
const current = { requestId: undefined, tenantId: undefined }

function setCurrent (requestId, tenantId) {
  current.requestId = requestId
  current.tenantId = tenantId
}

/**
 * `promises`: as AWS's client of nodejs24.x and later has it, where outside an invocation the id is a dash, and where the
 * fields of an error are shown only if a text comes before it.
 */
function patchConsole (promises) {
  if (promises) current.requestId = '-'
  const least = Math.max(0, LEVELS.indexOf((process.env.AWS_LAMBDA_LOG_LEVEL || '').toUpperCase()))
  const record = isJson() ? (level, parts) => jsonRecord(level, parts, promises ? 1 : 0) : textRecord
  for (const [rank, level] of LEVELS.entries()) {
    const log = (message, ...rest) => write(record(level, [message, ...rest]))
    console[level.toLowerCase()] = rank < least ? () => {} : log
  }
  console.log = console.info
}

/** Logs an error that ended an invocation, or more. */
function logError (what, error) {
  if (isJson()) console.error(asError(error))
  else console.error(what, forLog(asError(error)))
}

function isJson () {
  return (process.env.AWS_LAMBDA_LOG_FORMAT || '').toUpperCase() === 'JSON'
}

function textRecord (level, parts) {
  return `${new Date().toISOString()}\t${current.requestId}\t${level}\t${util.format(...parts)}`
}

function jsonRecord (level, parts, firstError) {
  const record = { timestamp: new Date().toISOString(), level, requestId: current.requestId }
  if (current.tenantId !== undefined) record.tenantId = current.tenantId
  if (parts.length === 1) {
    try {
      return JSON.stringify({ ...record, message: parts[0] }, withErrorFields)
    } catch {
      return JSON.stringify({ ...record, message: util.format(parts[0]) })
    }
  }
  const error = parts.slice(firstError).find((part) => part instanceof Error)
  return JSON.stringify({ ...record, message: util.format(...parts), ...(error && errorFields(error)) })
}

function withErrorFields (_, value) {
  return value instanceof Error ? { ...errorFields(value), ...value } : value
}

function errorFields (error) {
  const errorType = error.constructor?.name ?? 'UnknownError'
  const stackTrace = typeof error.stack === 'string' ? error.stack.split('\n') : error.stack
  return { errorType, errorMessage: error.message, stackTrace }
}

function write (record) {
  process.stdout.write(record.replace(/\n/g, '\r') + '\n')
}

module.exports = { logError, patchConsole, setCurrent }
