'use strict'
/*
 * The Runtime API's client: one socket, no HTTP library (whose parser and agent cost as much as
 * the rest of an invocation). It speaks to one server, Lambent's, which answers each request with a Content-Length.
 *
 * While a function loads or runs, the socket is not referenced, so that an event loop with nothing left to do is empty, which the
 * callers want to know; while a request is under way, it is. A request is sent once: when the server is gone, so are we.
 */

const net = require('net')

const PREFIX = '/2018-06-01/runtime/'
const NEXT = `GET ${PREFIX}invocation/next HTTP/1.1\r\n`
const REFUSABLE_LENGTH = 1024 * 1024 // a longer result may be more than six megabytes, and then nothing more is asked
const HEAD_END = Buffer.from('\r\n\r\n')

class RuntimeApi {
  constructor (address) {
    const colon = address.lastIndexOf(':')
    this._common = `Host: ${address}\r\nUser-Agent: aws-lambda-nodejs/${process.version}\r\n`
    this._received = []
    this._size = 0 // of what was received
    this._needed = 0 // size at which the message is whole; 0: its head is not there yet
    this._waiting = [] // what resolves with the answers that are owed, in their order
    this._early = [] // answers that came before anybody waited for them
    this._asked = false // the next event was asked for already
    this._socket = net.connect({ port: Number(address.slice(colon + 1)), host: address.slice(0, colon), noDelay: true })
    this._socket.setNoDelay(true)
    this._socket.unref()
    this._socket.on('data', (data) => this._receive(data))
    this._socket.on('error', (error) => this._fail(error))
    this._socket.on('close', () => this._fail(new Error('the Runtime API closed the connection')))
  }

  /** Ends the connection; no request may be under way. */
  close () {
    this._socket.removeAllListeners('close')
    return new Promise((resolve) => this._socket.on('close', resolve).destroy())
  }

  /** Waits for an invocation: {headers, event}, with lower-case names and the event as text. */
  async next () {
    const { headers, body } = await (this._asked ? this._answer() : this._request(NEXT, ''))
    this._asked = false
    return { headers, event: body }
  }

  /**
   * Hands over a result, JSON text, and asks for the next event with the same message, since that is what follows: one
   * message less, and nobody wakes up for it. With `last` it does not ask.
   */
  respond (invocation, json, { last = false } = {}) {
    this._asked = !last && json.length < REFUSABLE_LENGTH
    return this._post(`invocation/${encodeURIComponent(invocation.id)}/response`, json, echo(invocation))
  }

  /** Hands over what the function threw; `cause` is for X-Ray, and is left out when it is too large for a header. */
  fail (invocation, json, cause) {
    const fits = cause !== '' && Buffer.byteLength(cause) < 1024 * 1024
    const headers = (fits ? `Lambda-Runtime-Function-XRay-Error-Cause: ${cause}\r\n` : '') + echo(invocation)
    return this._post(`invocation/${encodeURIComponent(invocation.id)}/error`, json, headers)
  }

  /** Says that the function could not be initialised. */
  failInit (errorType, json) {
    return this._post('init/error', json, `Lambda-Runtime-Function-Error-Type: ${oneLine(errorType)}\r\n`)
  }

  /** Resolves when the server has it, whatever it answers: AWS's client, too, only logs what it refuses. */
  async _post (path, json, headers) {
    const type = 'Content-Type: application/json\r\n'
    const { status, body } = await this._request(`POST ${PREFIX}${path} HTTP/1.1\r\n${type}${headers}`, json)
    if (status < 200 || status > 299) {
      const what = 'LAMBDA_RUNTIME Failed to post handler success response. Http response code:'
      process.stderr.write(`[ERROR] [${Date.now()}] ${what} ${status}. ${oneLine(body)}\n`)
    }
  }

  _request (head, body) {
    const length = head[0] === 'P' ? `Content-Length: ${Buffer.byteLength(body)}\r\n` : ''
    const question = this._asked ? `${NEXT}${this._common}\r\n` : ''
    this._socket.write(`${head}${this._common}${length}\r\n${body}${question}`)
    return this._answer()
  }

  /** The next answer that is owed. */
  _answer () {
    if (this._early.length > 0) return Promise.resolve(this._early.shift())
    this._socket.ref()
    return new Promise((resolve) => this._waiting.push(resolve))
  }

  _receive (data) {
    this._received.push(data)
    this._size += data.length
    if (this._needed === 0) this._readHead()
    if (this._needed === 0 || this._size < this._needed) return
    const { status, headers } = this._head
    const all = this._received.length === 1 ? this._received[0] : Buffer.concat(this._received)
    const body = all.toString('utf8', this._bodyStart, this._needed)
    const rest = all.subarray(this._needed)
    this._received = []
    this._size = 0
    this._needed = 0
    const resolve = this._waiting.shift()
    if (this._waiting.length === 0) this._socket.unref()
    if (resolve) resolve({ status, headers, body })
    else this._early.push({ status, headers, body })
    if (rest.length > 0) this._receive(rest)
  }

  _readHead () {
    if (this._received.length > 1) this._received = [Buffer.concat(this._received)]
    const end = this._received[0].indexOf(HEAD_END)
    if (end < 0) return
    this._head = parsedHead(this._received[0].toString('utf8', 0, end))
    this._bodyStart = end + 4
    this._needed = this._bodyStart + Number(this._head.headers['content-length'])
    if (Number.isNaN(this._needed)) this._fail(new Error('the Runtime API answered without a Content-Length'))
  }

  /** Without the server there is nothing to be done, and nobody to tell. */
  _fail (error) {
    process.stderr.write(`LAMBDA_RUNTIME ${oneLine(error.message)}\n`)
    process.exit(1)
  }
}

function parsedHead (text) {
  const lines = text.split('\r\n')
  const headers = {}
  for (let i = 1; i < lines.length; i++) {
    const colon = lines[i].indexOf(':')
    headers[lines[i].slice(0, colon).toLowerCase()] = lines[i].slice(colon + 1).trim()
  }
  return { status: Number(lines[0].slice(9, 12)), headers }
}

function echo ({ invocationId }) {
  return invocationId === undefined ? '' : `Lambda-Runtime-Invocation-Id: ${invocationId}\r\n`
}

function oneLine (text) {
  return String(text).replace(/[\r\n]/g, ' ')
}

module.exports = { RuntimeApi }
