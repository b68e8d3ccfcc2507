#!/usr/bin/env bash
# Compiles the locale en_US.UTF-8 of functions on Amazon Linux 2: make_locale.sh DIRECTORY
#
# The directory then takes the place of /usr/lib/locale in their sandboxes, so it has the host's C.UTF-8, too. Where this
# machine has no localedef, or not its sources (Debian keeps them in the package locales), there is none, and we say so:
# `lambent doctor` does as well.
set -euo pipefail
directory=$1

rm -rf "$directory"
mkdir -p "$directory.new"
if localedef -i en_US -f UTF-8 --no-archive "$directory.new/en_US.utf8" 2> "$directory.log"; then
    if [ -d /usr/lib/locale/C.utf8 ]; then cp -RL /usr/lib/locale/C.utf8 "$directory.new/"; fi
    mv "$directory.new" "$directory"
else
    rm -rf "$directory.new"
    echo "en_US.UTF-8 cannot be compiled here, see $directory.log: functions on Amazon Linux 2 cannot set it as locale"
fi
