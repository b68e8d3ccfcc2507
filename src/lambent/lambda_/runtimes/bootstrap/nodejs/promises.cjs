'use strict'
/*
 * Functions from nodejs24.x on: `handler(event, context)`, whose result, awaited, is the answer. A handler that declares a
 * callback is refused at init. What nobody catches ends the process as Node itself would: with status 1, and with 0 when
 * the function waits for something that cannot happen any more.
 */

const { RuntimeError, forCaller, forXRay, refuse } = require('./errors.cjs')
const { load, offerStreaming } = require('./handler.cjs')
const { Invocation } = require('./invocation.cjs')
const { contextOf, invokeStore } = require('./invoke_store.cjs')
const { logFailure } = require('./remedies.cjs')

const NO_CALLBACKS = 'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. ' +
  'You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information ' +
  'see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.'

async function serve (api, root, handlerName) {
  offerStreaming()
  const store = invokeStore()
  const handler = await init(api, root, handlerName)
  for (;;) {
    const invocation = new Invocation(await api.next())
    invocation.begin()
    await store.run(contextOf(invocation), () => answer(api, invocation, handler))
  }
}

async function init (api, root, handlerName) {
  try {
    const handler = await load(root, handlerName, true)
    if (handler.length >= 3) throw new RuntimeError('CallbackHandlerDeprecated', NO_CALLBACKS)
    return handler
  } catch (error) {
    logFailure('Init Error', error)
    const reported = forCaller(error)
    await api.failInit(reported.errorType, JSON.stringify(reported))
    throw error
  }
}

async function answer (api, invocation, handler) {
  try {
    const { awsRequestId, ...context } = invocation.context()
    const result = await handler(invocation.event(), { awsRequestId, ...context, xRayTraceId: invocation.traceId })
    await turn()
    await api.respond(invocation, serialised(result))
  } catch (error) {
    await turn()
    logFailure('Invoke Error', error)
    await api.fail(invocation, JSON.stringify(forCaller(error)), forXRay(error))
  }
}

function serialised (result) {
  let json
  try {
    json = JSON.stringify(result === undefined ? null : result)
  } catch {
    throw new RuntimeError('JSONStringifyError', 'Unable to stringify response body')
  }
  return json ?? refuse()
}

/** Lets what the function has scheduled for now (a log line, a metric) happen before the environment is frozen. */
function turn () {
  return new Promise((resolve) => setImmediate(resolve))
}

module.exports = { serve }
