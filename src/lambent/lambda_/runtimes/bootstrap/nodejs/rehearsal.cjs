'use strict'
/*
 * What a Node that waits for its function does with the time: it plays an invocation, both of whose sides it is itself, so
 * that the code of a cold start is loaded and compiled when the real one comes (4 ms instead of 9; 5 instead of 18 for ES
 * modules). It ends between two steps when there is something real to do, and leaves nothing behind: its server and its
 * socket are closed, its modules forgotten.
 */

const net = require('net')
const path = require('path')

const { RuntimeApi } = require('./client.cjs')
const { forCaller, forXRay } = require('./errors.cjs')
const { load } = require('./handler.cjs')
const { Invocation } = require('./invocation.cjs')

const EVENT = '{"rehearsal":true}'
const HEAD = [
  'HTTP/1.1 200 OK', 'Content-Type: application/json', 'Lambda-Runtime-Aws-Request-Id: rehearsal',
  'Lambda-Runtime-Deadline-Ms: 0', 'Lambda-Runtime-Trace-Id: Root=0', `Content-Length: ${EVENT.length}`, '', ''
].join('\r\n')

/** Plays until all is played or `isOver()`. Whatever fails here will fail in earnest, and is said then. */
async function rehearse (isOver) {
  const steps = [
    () => load(__dirname, 'rehearsed/common.handler', false),
    () => load(__dirname, 'rehearsed/module.handler', true),
    () => invocation(),
    () => { process.stdout.writable && process.stderr.writable },
    () => [forCaller(new Error('rehearsal')), forXRay(new Error('rehearsal'))],
    () => invocation()
  ]
  for (const step of steps) {
    if (isOver()) break
    try {
      await step()
    } catch {}
    await new Promise((resolve) => setImmediate(resolve))
  }
  delete require.cache[path.join(__dirname, 'rehearsed', 'common.cjs')]
  delete process.env._X_AMZN_TRACE_ID
}

async function invocation () {
  const server = net.createServer((socket) => socket.on('error', () => {}).on('data', () => socket.write(HEAD + EVENT)))
  await new Promise((resolve, reject) => server.on('error', reject).listen(0, '127.0.0.1', resolve))
  const api = new RuntimeApi(`127.0.0.1:${server.address().port}`)
  const played = new Invocation(await api.next())
  played.begin()
  await api.respond(played, JSON.stringify({ ...played.event(), ...played.context() }), { last: true })
  await api.close()
  await new Promise((resolve) => server.close(resolve))
}

module.exports = { rehearse }
