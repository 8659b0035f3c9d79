#!/bin/sh
# Sets up what the tests need and runs all of them; arguments go to pytest: ./test.sh tests/unit -k names
set -eu
cd "$(dirname "$0")"
. ./deploy/environment.sh

has_browser() {
  for browser in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$browser" >/dev/null 2>&1 && return
  done
  return 1
}

# Pages are tested in a real browser.
install_browser() {
  has_browser && return
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || fail 'The tests need Chromium or Chrome on the PATH: install one as root and run this again'
    as_root=sudo
  fi
  command -v apt-get >/dev/null 2>&1 || fail 'The tests need Chromium or Chrome on the PATH: install one and run this again'
  printf 'Installing Chromium for the tests of pages\n' >&2
  { $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium; } >/dev/null ||
    fail 'Chromium could not be installed: apt-get says why above; install it or Chrome and run this again'
}

# Whether the arguments name tests.
is_named() {
  for argument; do
    case $argument in tests/*) return ;; esac
  done
  return 1
}

install_once dev
install_browser
.venv/bin/python -m ruff check .
.venv/bin/python -m ruff format --check .
.venv/bin/python -m mypy

# Most tests wait for others: four processes share all of them, file by file, even on two cores.
is_named "$@" || set -- -n 4 --dist loadfile --no-loadscope-reorder "$@"
exec .venv/bin/python -m pytest "$@"
