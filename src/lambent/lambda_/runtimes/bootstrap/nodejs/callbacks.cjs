'use strict'
/*
 * Functions up to nodejs22.x: `handler(event, context, callback)`, which answers by a promise, by the callback, by
 * context.succeed, .fail, .done, or not at all, and then the answer is null when its event loop is empty.
 *
 *   promise, succeed, fail, done    answered at once
 *   callback(error)                 answered at once
 *   callback(null, result)          when the event loop is empty; at once with callbackWaitsForEmptyEventLoop = false
 *   a value that is no promise      ignored
 *
 * Only the first answer counts. What nobody catches ends the process after it was reported: 129 for an exception, 128
 * for a rejected promise (AWS's exit codes).
 */

const { UnhandledPromiseRejection, forCaller, forXRay, refuse } = require('./errors.cjs')
const { load, offerStreaming } = require('./handler.cjs')
const { Invocation } = require('./invocation.cjs')
const { logFailure } = require('./remedies.cjs')

async function serve (api, root, handlerName) {
  const loop = new Loop(api)
  loop.listen()
  offerStreaming()
  try {
    loop.handler = await load(root, handlerName, false)
  } catch (error) {
    loop.uncaught('Uncaught Exception', error, 129)
    return
  }
  loop.next()
}

class Loop {
  constructor (api) {
    this.api = api
    this.handler = null
    this.invocation = null // the one that is to be answered; null during init
    this.whenEmpty = null // what to do when the event loop is empty
  }

  listen () {
    process.on('uncaughtException', (error) => this.uncaught('Uncaught Exception', error, 129))
    process.on('unhandledRejection', (reason, promise) => {
      this.uncaught('Unhandled Promise Rejection', new UnhandledPromiseRejection(reason, promise), 128)
    })
    process.on('beforeExit', () => {
      const act = this.whenEmpty
      this.whenEmpty = null
      if (act !== null) act()
      else if (this.handler === null) process.exit(13) // a module whose top level never ends
    })
  }

  next () {
    setImmediate(async () => {
      const invocation = this.invocation = new Invocation(await this.api.next())
      invocation.begin()
      this.invoke(invocation)
    })
  }

  invoke (invocation) {
    const answer = this.answer(invocation)
    this.whenEmpty = () => answer.result(null)
    try {
      const context = Object.assign(answer.context, invocation.context())
      const result = this.handler(invocation.event(), context, answer.callback)
      if (typeof result?.then === 'function') result.then(context.succeed, context.fail).catch(context.fail)
    } catch (error) {
      answer.callback(error)
    }
  }

  /** The ways to answer an invocation, of which the first is taken. */
  answer (invocation) {
    let waits = true
    let open = true
    const once = (act) => (...given) => {
      if (!open) return
      act(...given)
      open = false
    }
    const result = (value) => {
      this.whenEmpty = null
      this.send(invocation, value)
    }
    const error = (thrown) => {
      this.whenEmpty = null
      this.report(invocation, thrown)
    }
    const done = (thrown, value) => isNothing(thrown) ? result(value) : error(thrown)
    const callback = (thrown, value) => {
      if (!isNothing(thrown)) error(thrown)
      else if (!waits) result(value)
      else this.whenEmpty = () => setImmediate(() => result(value))
    }
    const context = {
      get callbackWaitsForEmptyEventLoop () { return waits },
      set callbackWaitsForEmptyEventLoop (value) { waits = value },
      succeed: once((value) => done(null, value)),
      fail: once((thrown) => done(isNothing(thrown) ? 'handled' : thrown)),
      done: once(done)
    }
    return { result: once(result), callback: once(callback), context }
  }

  /** Throws when the value cannot be JSON. */
  send (invocation, value) {
    let json
    try {
      json = JSON.stringify(value === undefined ? null : value)
    } catch {
      throw new Error('Unable to stringify response body')
    }
    this.api.respond(invocation, json ?? refuse()).then(() => this.next())
  }

  report (invocation, thrown) {
    logFailure('Invoke Error', thrown)
    this.api.fail(invocation, JSON.stringify(forCaller(thrown)), forXRay(thrown)).then(() => this.next())
  }

  /** The end: reported as the failure of the invocation that runs, or of init. */
  uncaught (what, error, status) {
    logFailure(what, error)
    const reported = forCaller(error)
    const json = JSON.stringify(reported)
    const told = this.invocation === null
      ? this.api.failInit(reported.errorType, json)
      : this.api.fail(this.invocation, json, forXRay(error))
    told.then(() => process.exit(status))
  }
}

function isNothing (value) {
  return value === undefined || value === null
}

module.exports = { serve }
