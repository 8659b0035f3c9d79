# Shared by start.sh and test.sh: one virtual environment, installed again only when what it is made from changed.
# Sourced with the checkout as the current directory.

environment=.venv

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

is_supported() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' >/dev/null 2>&1
}

find_python() {
  for candidate in "${PYTHON:-}" python3.11 python3.12 python3 python; do
    if [ -n "$candidate" ] && is_supported "$candidate"; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  fail 'Recite needs Python 3.11 or 3.12, and none was found. Install one (Debian, Ubuntu: apt install python3.11 python3.11-venv; macOS: brew install python@3.11) or name it: PYTHON=/path/to/python3.11'
}

make_environment() {
  # One that was made elsewhere or whose Python is gone is made anew.
  if [ -x "$environment/bin/python" ] && is_supported "$environment/bin/python" && "$environment/bin/python" -m pip --version >/dev/null 2>&1; then
    return
  fi
  python=$(find_python) || exit 1
  "$python" -m venv --clear "$environment" ||
    fail "The virtual environment could not be made. On Debian and Ubuntu it needs one more package: apt install $(basename "$python")-venv"
}

# What an installation depends on: the files, and the place, which is written into its scripts.
fingerprint() {
  { pwd -P; cat "$@"; } | cksum
}

is_installed() {
  [ -x "$environment/bin/python" ] && [ "$(cat "$environment/$1.stamp" 2>/dev/null)" = "$2" ]
}

install() {
  "$environment/bin/python" -m pip --disable-pip-version-check --no-input -qq install "$@"
}

# install_once run|dev: the stamps are written last, so that an interrupted installation is repeated.
install_once() {
  run_print=$(fingerprint pyproject.toml requirements.lock)
  dev_print=$(fingerprint pyproject.toml requirements.lock requirements-dev.lock)
  if is_installed dev "$dev_print" || { [ "$1" = run ] && is_installed run "$run_print"; }; then
    return
  fi
  lock=requirements.lock
  [ "$1" = run ] || lock=requirements-dev.lock
  make_environment
  rm -f "$environment/run.stamp" "$environment/dev.stamp"
  printf 'Installing what %s names; the first time this takes a minute or two\n' "$lock" >&2
  install --require-hashes --requirement "$lock" ||
    fail "Installing $lock failed; the lines above say why. Look at the network and at pip's index settings, then run this again"
  install --no-deps --no-build-isolation --editable . ||
    fail 'Installing Recite itself failed; the lines above say why'
  printf '%s\n' "$run_print" >"$environment/run.stamp"
  [ "$1" = run ] || printf '%s\n' "$dev_print" >"$environment/dev.stamp"
}
