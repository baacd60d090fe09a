#!/usr/bin/env bash
# Installs what the tests need and is missing: Chromium, a Redis server, and the clients: SDKs, frameworks, coding agents. Running it again is cheap.
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
install redis-server redis-server
install python3 python3 python3-venv

# node_new: the clients want Node 22 or later. Where the machine's is older, one is installed from the registry for the tests only.
node_new() { [ "$("$1" --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')" -ge 22 ] 2>/dev/null; }
runtime() { find "$PWD/runtime/node_modules" -path '*/bin/node' 2>/dev/null | head -n 1; }

if ! node_new node; then
  if ! node_new "$(runtime)"; then
    say "installing a newer Node for the tests"
    npm ci --prefix runtime --ignore-scripts --silent --no-audit --no-fund
  fi
  node_new "$(runtime)" || { say "the clients need Node 22 or later"; exit 1; }
  PATH="$(dirname "$(runtime)"):$PATH"
fi

stamp() { sha256sum "$@" | sha256sum | cut -c1-16; }

# fresh DIR FILE...: true when what is installed in DIR is what the files say.
fresh() { local dir=$1; shift; [ "$(cat "$dir/.stamp" 2>/dev/null || true)" = "$(stamp "$@")" ]; }
done_with() { local dir=$1; shift; stamp "$@" > "$dir/.stamp"; }

# python_env DIR PIP-ARGUMENT...: a virtual environment, filled.
python_env() {
  local dir=$1; shift
  python3 -m venv --clear "$dir" 2>/dev/null || { as_root apt-get install -y -qq python3-venv >/dev/null; python3 -m venv --clear "$dir"; }
  "$dir/bin/pip" install -q --disable-pip-version-check "$@"
  "$dir/bin/pip" check --disable-pip-version-check >&2
}

if ! fresh python/.venv python/requirements.txt; then
  say "installing the Python SDKs"
  python_env python/.venv -r python/requirements.txt
  done_with python/.venv python/requirements.txt
fi

# The frameworks hold back the SDKs that they stand on, so they live apart. Their list is a whole resolution: nothing is left to resolve,
# which would take minutes.
if ! fresh frameworks/.venv frameworks/requirements.txt; then
  say "installing the Python frameworks"
  python_env frameworks/.venv --no-deps -r frameworks/requirements.txt
  done_with frameworks/.venv frameworks/requirements.txt
fi

for dir in node cli; do
  if ! fresh "$dir/node_modules" "$dir/package.json" "$dir/package-lock.json"; then
    say "installing the clients in test/sdk/$dir"
    npm ci --prefix "$dir" --ignore-scripts --silent --no-audit --no-fund
    done_with "$dir/node_modules" "$dir/package.json" "$dir/package-lock.json"
  fi
done

say "compiling the Go clients"
(cd go && go build -buildvcs=false ./...)
