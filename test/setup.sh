#!/usr/bin/env bash
# Installs what the tests need and is missing: Chromium, and the official SDKs for Python and Node. Running it again is cheap.
# Postgres is fetched by the tests themselves, through the embedded-postgres module.
set -euo pipefail
cd "$(dirname "$0")/sdk"

say() { printf 'setup: %s\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# install COMMAND PACKAGE...: through the machine's package manager, if COMMAND is not there.
install() {
  local command=$1; shift
  command -v "$command" >/dev/null 2>&1 && return
  say "installing $* (for $command)"
  if command -v apt-get >/dev/null 2>&1; then
    as_root apt-get update -qq
    DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq "$@" >/dev/null
  elif command -v dnf >/dev/null 2>&1; then as_root dnf install -y -q "$@"
  elif command -v brew >/dev/null 2>&1; then brew install "$@"
  else say "no package manager that I know: install $* yourself"; exit 1
  fi
  command -v "$command" >/dev/null 2>&1 || { say "$command is still missing after installing $*"; exit 1; }
}

if [ -z "${CHROMIUM:-}" ] && ! command -v google-chrome >/dev/null 2>&1; then
  install chromium chromium
fi
install node nodejs npm
install npm npm
install python3 python3 python3-venv

stamp() { sha256sum "$@" | sha256sum | cut -c1-16; }

want=$(stamp python/requirements.txt)
if [ "$(cat python/.venv/stamp 2>/dev/null || true)" != "$want" ]; then
  say "installing the Python SDKs"
  python3 -m venv python/.venv 2>/dev/null || { as_root apt-get install -y -qq python3-venv >/dev/null; python3 -m venv python/.venv; }
  python/.venv/bin/pip install -q --disable-pip-version-check -r python/requirements.txt
  echo "$want" > python/.venv/stamp
fi

want=$(stamp node/package.json node/package-lock.json)
if [ "$(cat node/node_modules/.stamp 2>/dev/null || true)" != "$want" ]; then
  say "installing the Node SDKs"
  (cd node && npm ci --silent --no-audit --no-fund)
  echo "$want" > node/node_modules/.stamp
fi
