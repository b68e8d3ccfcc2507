'use strict'
/*
 * console.* as AWS has it: one record a call, with time, request id and level, or as JSON, filtered by level.
 *
 * A record is a frame on the descriptor that _LAMBDA_TELEMETRY_LOG_FD names, so that it is one log event whatever is in it:
 *
 *     type, 4 bytes | length, 4 bytes | time, 8 bytes: microseconds since 1970 | message      big-endian
 *
 * It is written before the call returns, and so is what is written to process.stdout and process.stderr, which passes as it
 * is: what a function has logged is in its log when it answers, and in that order. (By itself Node keeps in memory what the
 * pipe does not take at once, and a function is frozen with that, or ended.) Node closes the descriptor to the programs that
 * a function starts. Without it, which is a wrapper script's doing, records are lines of stdout with carriage returns for
 * newlines, as AWS's client has it.
 */

const fs = require('fs')
const util = require('util')

const { asError, forLog } = require('./errors.cjs')

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']
const TEXT_FRAME = 0xa55a0003
const JSON_FRAME = 0xa55a0002
const LEVEL_UNIT = 4 // of the type of a frame; TRACE is 1
const HEAD_BYTES = 16
const FULL_PIPE_PAUSE_MS = 1
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
  const write = writer()
  for (const stream of [process.stdout, process.stderr]) stream._handle?.setBlocking?.(true) // a file has no handle
  for (const [rank, level] of LEVELS.entries()) {
    const log = (message, ...rest) => write(rank, record(level, [message, ...rest]))
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

/** What writes a record of a level; asked for once, when the environment is the function's. */
function writer () {
  const fd = Number(process.env._LAMBDA_TELEMETRY_LOG_FD)
  delete process.env._LAMBDA_TELEMETRY_LOG_FD
  if (!fd) return (_, record) => process.stdout.write(record.replace(/\n/g, '\r') + '\n')
  const [type, end] = isJson() ? [JSON_FRAME, ''] : [TEXT_FRAME, '\n']
  return (rank, record) => writeAll(fd, frame(type + (rank + 1) * LEVEL_UNIT, record + end))
}

function frame (type, message) {
  const size = Buffer.byteLength(message)
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + size)
  bytes.writeUInt32BE(type, 0)
  bytes.writeUInt32BE(size, 4)
  bytes.writeBigUInt64BE(BigInt(Date.now()) * 1000n, 8)
  bytes.write(message, HEAD_BYTES)
  return bytes
}

/** Returns when the pipe has taken everything; it need not be one that waits, where descriptors share their flags. */
function writeAll (fd, bytes) {
  for (let written = 0; written < bytes.length;) {
    try {
      written += fs.writeSync(fd, bytes, written)
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_PAUSE_MS)
    }
  }
}

module.exports = { logError, patchConsole, setCurrent }
