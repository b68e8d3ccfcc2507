// Loaded by `rehearsal.cjs`, for the sake of being loaded.
import { existsSync } from 'node:fs'

export const handler = async (event) => existsSync('/var/task') && event
