'use strict'
// Loaded by `rehearsal.cjs`, for the sake of being loaded.
require('path')
exports.handler = async (event) => event
