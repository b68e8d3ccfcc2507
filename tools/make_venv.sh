#!/usr/bin/env bash
# Makes a virtual environment with pip in it: make_venv.sh DIRECTORY
#
# Finds the first Python of 3.11 or later (PYTHON=... decides otherwise). A fresh Debian or Ubuntu splits ensurepip off
# into python3-venv; as root we install that, as anyone else we say what to install.
set -euo pipefail
directory=$1

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
        if new_enough "$candidate"; then command -v "$candidate"; return; fi
    done
    echo "lambent needs Python 3.11 or later; found $(python3 --version 2>&1 || true)." >&2
    echo "Install one (Debian 12+, Ubuntu 24.04+: apt-get install python3 python3-venv), or set PYTHON=/path/to/python3." >&2
    return 1
}

python=$(find_python)
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing python3-venv (Debian keeps it apart from python3)"
        apt-get update -qq
        version=$("$python" -c 'import sys; print(f"{sys.version_info[0]}.{sys.version_info[1]}")')
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "python$version-venv" >/dev/null
    else
        echo "$python has no venv module. Install it (apt-get install python3-venv) and run make again." >&2
        exit 1
    fi
fi
echo "making $directory with $("$python" --version) ($python)"
rm -rf "$directory"
"$python" -m venv "$directory"
