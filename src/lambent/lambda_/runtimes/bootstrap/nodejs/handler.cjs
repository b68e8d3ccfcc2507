'use strict'
/*
 * Finds and loads the function of a handler string, `directory/file.export.nested`.
 *
 * Up to nodejs22.x a .js file is a CommonJS module unless a package.json says otherwise, and is `require`d; from nodejs24.x
 * on everything is imported. Both then try .mjs and .cjs, up to nodejs22.x a directory, and last what NODE_PATH has under
 * the name (layers).
 */

const fs = require('fs')
const Module = require('module')
const path = require('path')
const { pathToFileURL } = require('url')

const { RuntimeError } = require('./errors.cjs')

// Node names who asked for a module that is missing; in AWS this is what asks.
const requireAsRuntime = Module.createRequire('/var/runtime/index.mjs')

/** The function. Throws Runtime.MalformedHandlerName, .ImportModuleError, .UserCodeSyntaxError, .HandlerNotFound. */
async function load (root, handler, importsAll) {
  if (handler.includes('..')) {
    const rule = 'Use absolute paths when specifying root directories in handler names.'
    throw new RuntimeError('MalformedHandlerName', `'${handler}' is not a valid handler name. ${rule}`)
  }
  const base = path.basename(handler)
  const directory = handler.slice(0, handler.indexOf(base))
  const dot = base.indexOf('.')
  if (dot < 0) throw new RuntimeError('MalformedHandlerName', 'Bad handler')
  const module = await loaded(root, directory, base.slice(0, dot), importsAll)
  return resolved(module, base.slice(dot + 1), handler, importsAll)
}

async function loaded (root, directory, name, importsAll) {
  const file = path.resolve(root, directory, name)
  try {
    for (const extension of ['', '.js', '.mjs', '.cjs']) {
      if (!isFile(file + extension)) continue
      const asModule = importsAll || extension === '.mjs' || (extension === '.js' && isModulePackage(path.dirname(file)))
      return asModule ? await import(pathToFileURL(file + extension).href) : requireAsRuntime(file + extension)
    }
    if (!importsAll && fs.existsSync(file)) return requireAsRuntime(file)
    const paths = [root, path.join(root, directory)]
    return requireAsRuntime(requireAsRuntime.resolve(name, { paths }))
  } catch (error) {
    if (error instanceof SyntaxError) throw syntaxError(error, importsAll)
    if (error instanceof Error && error.code === 'MODULE_NOT_FOUND') {
      throw new RuntimeError('ImportModuleError', String(error))
    }
    throw error
  }
}

/** Its trace is the original's, which begins with the place; AWS's before nodejs24.x has the first line alone. */
function syntaxError (error, importsAll) {
  const reported = new RuntimeError('UserCodeSyntaxError', String(error))
  reported.stack = importsAll ? error.stack : `${reported.name}: ${reported.message}\n${error.stack}`
  return reported
}

function resolved (module, exportName, handler, importsAll) {
  const holds = (value) => importsAll ? typeof value === 'object' && value !== null : value
  const from = (object) => exportName.split('.').reduce((nested, key) => holds(nested) ? nested[key] : undefined, object)
  const found = from(module) || (importsAll && module && from(module.default)) || undefined
  if (!found) throw new RuntimeError('HandlerNotFound', `${handler} is undefined or not exported`)
  if (typeof found !== 'function') throw new RuntimeError('HandlerNotFound', `${handler} is not a function`)
  return found
}

function isModulePackage (directory) {
  for (; path.basename(directory) !== 'node_modules'; directory = path.dirname(directory)) {
    const file = path.join(directory, 'package.json')
    if (fs.existsSync(file)) {
      try {
        return JSON.parse(fs.readFileSync(file, 'utf8')).type === 'module'
      } catch (error) {
        console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, error)
        return false
      }
    }
    if (directory === path.dirname(directory)) return false
  }
  return false
}

function isFile (file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false
}

/** What functions find as the global `awslambda`: nothing streams yet, and they are told when they ask. */
function offerStreaming () {
  const refuse = () => {
    throw new RuntimeError('StreamingNotSupported', 'Lambent does not support response streaming (awslambda) yet.')
  }
  if (['1', 'true'].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return
  globalThis.awslambda = { streamifyResponse: refuse, HttpResponseStream: { from: refuse } }
}

module.exports = { load, offerStreaming }
