'use strict'
/*
 * `import` finds packages on NODE_PATH (of layers, of the runtime) after the function's own, as in AWS's build of Node.js. In
 * Node's own, NODE_PATH is for `require` alone.
 *
 * Node preloads this file (--require), so that it holds for --import in NODE_OPTIONS, for worker threads and for forked
 * processes, too. Node resolves first, and only what it has not found is looked for here. From 22.15 on it has hooks for that
 * (module.registerHooks). The hooks of the versions before run in a thread of their own, which would cost every function tens of
 * milliseconds and ten megabytes; there the function by which Node's loader resolves is replaced before the loader takes it.
 * Where neither can be done (before 18.19 and 20.6) all is as Node has it, and `remedies.cjs` says so.
 */

const Module = require('module')
const path = require('path')
const { pathToFileURL } = require('url')

const PACKAGE = /^[^./#][^:]*$/ // perhaps with a path in it: no file, no URL, no import of the package itself

/** Makes `import` look on NODE_PATH. Throws where this Node.js does not let it. */
function install () {
  if (typeof Module.registerHooks === 'function') {
    Module.registerHooks({ resolve: (specifier, context, next) => resolve(specifier, context, next) })
    return
  }
  const { internalRequire } = require('./internals.cjs') // here: a module more at each start
  const exported = internalRequire()('internal/modules/esm/resolve')
  const own = exported.defaultResolve
  exported.defaultResolve = (specifier, context) => resolve(specifier, context, own)
}

function resolve (specifier, context, next) {
  try {
    return next(specifier, context)
  } catch (error) {
    if (!isMissing(error) || !PACKAGE.test(specifier)) throw error
    for (const parentURL of importers()) {
      try {
        return next(specifier, { ...context, parentURL })
      } catch (another) {
        if (!isMissing(another)) throw another
      }
    }
    throw error
  }
}

function isMissing (error) {
  return error?.code === 'ERR_MODULE_NOT_FOUND'
}

/** For each directory of NODE_PATH a module, not there, that would import from it. All of AWS's are named node_modules. */
function importers () {
  const directories = (process.env.NODE_PATH ?? '').split(path.delimiter).map((directory) => path.resolve(directory))
  return directories
    .filter((directory) => path.basename(directory) === 'node_modules')
    .map((directory) => pathToFileURL(path.join(path.dirname(directory), 'importer')).href)
}

let obstacle = null // why import does not look there

try {
  install()
} catch (error) {
  obstacle = error
}

module.exports = { obstacle }
