'use strict'
/*
 * What functions of nodejs24.x and later find as `globalThis.awslambda.InvokeStore`: values of the invocation that runs, for
 * libraries far from the handler (AWS's SDK takes the trace id from it). One invocation at a time is all that there is here.
 *
 * Source: AWS's client 4.0.2, and @aws/lambda-invoke-store, which uses the one that is there before it makes its own.
 */

const REQUEST_ID = Symbol.for('_AWS_LAMBDA_REQUEST_ID')
const X_RAY_TRACE_ID = Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID')
const TENANT_ID = Symbol.for('_AWS_LAMBDA_TENANT_ID')
const PROTECTED_KEYS = { REQUEST_ID, X_RAY_TRACE_ID, TENANT_ID }

class InvokeStore {
  static PROTECTED_KEYS = PROTECTED_KEYS

  /** Runs `act` as part of an invocation; its values stay until the next one begins. */
  run (context, act) {
    this.currentContext = context
    return act()
  }

  getContext () { return this.currentContext }
  hasContext () { return this.currentContext !== undefined }
  isProtectedKey (key) { return Object.values(PROTECTED_KEYS).includes(key) }
  get (key) { return this.currentContext?.[key] }
  getRequestId () { return this.get(REQUEST_ID) ?? '-' }
  getXRayTraceId () { return this.get(X_RAY_TRACE_ID) }
  getTenantId () { return this.get(TENANT_ID) }

  set (key, value) {
    if (this.isProtectedKey(key)) throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`)
    this.currentContext ??= {}
    this.currentContext[key] = value
  }
}

/** The store of this process, offered as a global unless the function's variables turn that off. */
function invokeStore () {
  const offered = globalThis.awslambda
  if (offered === undefined) return new InvokeStore()
  return offered.InvokeStore ??= new InvokeStore()
}

/** What the client says of an invocation. */
function contextOf (invocation) {
  return { [REQUEST_ID]: invocation.id, [X_RAY_TRACE_ID]: invocation.traceId }
}

module.exports = { contextOf, invokeStore }
