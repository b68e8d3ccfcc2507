'use strict'
/* One invocation as the function sees it: the members of `context` that come from the headers and from the environment. */

const logging = require('./logging.cjs')

class Invocation {
  constructor ({ headers, event }) {
    this.id = headers['lambda-runtime-aws-request-id']
    this.invocationId = headers['lambda-runtime-invocation-id']
    this._headers = headers
    this._event = event
  }

  /** Makes it the current one: of the log, and of X-Ray. */
  begin () {
    logging.setCurrent(this.id, this._headers['lambda-runtime-aws-tenant-id'])
    const trace = this._headers['lambda-runtime-trace-id']
    if (trace) process.env._X_AMZN_TRACE_ID = trace
    else delete process.env._X_AMZN_TRACE_ID
  }

  event () {
    return JSON.parse(this._event)
  }

  context () {
    const headers = this._headers
    const deadline = Number(headers['lambda-runtime-deadline-ms'])
    return {
      functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
      clientContext: parsed(headers, 'lambda-runtime-client-context', 'ClientContext'),
      identity: parsed(headers, 'lambda-runtime-cognito-identity', 'CognitoIdentity'),
      invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
      awsRequestId: this.id,
      tenantId: headers['lambda-runtime-aws-tenant-id'],
      getRemainingTimeInMillis: () => deadline - Date.now()
    }
  }

  get traceId () {
    return this._headers['lambda-runtime-trace-id']
  }
}

function parsed (headers, header, name) {
  if (!headers[header]) return undefined
  try {
    return JSON.parse(headers[header])
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${error}`)
  }
}

module.exports = { Invocation }
