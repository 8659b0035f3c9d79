#!/bin/sh
# Sets everything up where that is needed, then runs the whole system; Ctrl-C ends it.
set -eu
cd "$(dirname "$0")"
. ./deploy/environment.sh

install_once run
exec .venv/bin/recite up "$@"
