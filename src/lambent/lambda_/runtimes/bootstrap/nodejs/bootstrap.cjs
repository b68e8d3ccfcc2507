'use strict'
/*
 * The first program of every Node.js execution environment: it makes a started Node a function's, and serves it.
 *
 * Two ways lead here. With `--waits`, Node has been booted ahead in a sandbox that has no function yet: everything that
 * costs time is loaded, then one line of JSON is awaited on descriptor 3, {"environment", "cwd"}. Without it, Node was
 * executed with the function's environment already there (a wrapper script, NODE_OPTIONS, libraries in the package).
 *
 * It plays the part of AWS's own runtime interface client, whose behaviour is that of version 3 up to nodejs22.x
 * (callbacks, `context.done`) and of version 4 from nodejs24.x on (promises only): see `callbacks.cjs`, `promises.cjs`.
 * It needs no package and nothing newer than Node 18. It is not a fence: the sandbox is closed before the function runs.
 */

const Module = require('module')
const net = require('net')

const callbacks = require('./callbacks.cjs')
const { RuntimeApi } = require('./client.cjs')
const logging = require('./logging.cjs')
const promises = require('./promises.cjs')
const { rehearse } = require('./rehearsal.cjs')

const ASSIGNMENT_FD = 3
const PROMISES_SINCE = 24 // the first major version without callbacks

async function main () {
  if (process.argv.includes('--waits')) {
    become(await assignment())
  }
  process.argv = [process.argv[0], '/var/runtime/index.mjs']
  const api = new RuntimeApi(process.env.AWS_LAMBDA_RUNTIME_API)
  const onlyPromises = majorVersion() >= PROMISES_SINCE
  logging.patchConsole(onlyPromises)
  await (onlyPromises ? promises : callbacks).serve(api, process.env.LAMBDA_TASK_ROOT || process.cwd(), process.env._HANDLER)
}

/** The line that makes this process a function's; until it comes, there is time to rehearse. */
async function assignment () {
  let line = null
  const arrived = received(ASSIGNMENT_FD).then((text) => { line = text })
  await rehearse(() => line !== null)
  await arrived
  return JSON.parse(line)
}

/** The first line that comes out of a pipe or a socket, which is closed then. */
function received (fd) {
  return new Promise((resolve) => {
    const chunks = []
    const stream = new net.Socket({ fd, readable: true, writable: false })
    stream.on('data', (chunk) => {
      chunks.push(chunk)
      if (chunk[chunk.length - 1] !== 10) return
      stream.destroy()
      resolve(Buffer.concat(chunks).toString('utf8'))
    })
    stream.on('close', () => { if (chunks.length === 0) process.exit(0) }) // the server has gone, or has no use for us
    stream.on('error', () => {})
  })
}

function become ({ environment, cwd }) {
  for (const name of Object.keys(process.env)) {
    if (!(name in environment)) delete process.env[name]
  }
  Object.assign(process.env, environment)
  process.chdir(cwd)
  Module._initPaths() // NODE_PATH, read anew
}

function majorVersion () {
  const named = /^AWS_Lambda_nodejs(\d+)\./.exec(process.env.AWS_EXECUTION_ENV || '')
  return Number(named ? named[1] : process.versions.node.split('.')[0])
}

main()
