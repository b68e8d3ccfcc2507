'use strict'
/*
 * The `require` of Node's own modules, for what Node lets nobody change from outside.
 *
 * It stands in the closure of functions that Node exports, and the debugger's protocol shows closures; spoken in this thread it
 * is answered at once, opens no port and leaves nothing behind. (The flag --expose-internals would do it, too, but then
 * the function's own modules named `internal/...` would be Node's.) For versions that do not change any more only.
 */

const Module = require('module')

const EXCHANGE = Symbol.for('lambent.internals') // where the two sides hand over objects
const PLACE = `globalThis[Symbol.for('${EXCHANGE.description}')]`

/** Throws where this Node.js has no debugger, or does not keep it there. */
function internalRequire () {
  const { Session } = require('inspector')
  const session = new Session()
  session.connect()
  try {
    const members = (object) => ask(session, 'Runtime.getProperties', { objectId: object.objectId, ownProperties: true })
    globalThis[EXCHANGE] = Module.register // a function of the module that loads ES modules
    const { result: exported } = ask(session, 'Runtime.evaluate', { expression: PLACE })
    const scopes = members(exported).internalProperties.find(({ name }) => name === '[[Scopes]]').value
    const [closure] = members(scopes).result
    const { objectId } = members(closure.value).result.find(({ name }) => name === 'require').value
    ask(session, 'Runtime.callFunctionOn', { objectId, functionDeclaration: `function () { ${PLACE} = this }` })
    return globalThis[EXCHANGE]
  } finally {
    session.disconnect()
    delete globalThis[EXCHANGE]
  }
}

function ask (session, method, parameters) {
  let answer
  session.post(method, parameters, (error, result) => {
    if (error) throw new Error(`${method}: ${error.message}`)
    answer = result
  })
  return answer
}

module.exports = { internalRequire }
