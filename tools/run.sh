#!/bin/sh
# Runs a script of the project with all it needs: sh tools/run.sh tools/check.ts
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
. "$root/tools/env.sh"
prepare
script=$1
shift
exec "$node" --disable-warning=ExperimentalWarning "$root/$script" "$@"
