#!/bin/sh
# Starts the function whose handler is the only argument, as in AWS's images. Lambda itself does not use it.
if [ $# -ne 1 ]; then
  echo "entrypoint requires the handler name to be the first argument" 1>&2
  exit 142
fi
export _HANDLER="$1"
exec /var/runtime/bootstrap
