# Sourced by run-demo and run-tests: brings this machine to the point where opsctl runs.
# Works from any state and can be run again at any time; needs Python 3.11+, git, and root or sudo.

set -euo pipefail
# Before leaving the caller's folder: with it, "$0" would no longer be found.
script=$(realpath "$0")
# Containers often set this; then every command and every test worker compiles opsctl and its tests anew.
unset PYTHONDONTWRITEBYTECODE
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '==> %s\n' "$*" >&2; }
fail() { printf 'error: %s\nwhat to do: %s\n' "$1" "$2" >&2; exit 1; }

become_root() {
    [ "$(id -u)" = 0 ] && return
    command -v sudo >/dev/null || fail "the lab needs root, and there is no sudo" "run this as root"
    say "the lab needs root: going on with sudo"
    exec sudo --preserve-env=CI,OPSCTL_NOTHING_LEFT_OUT "$script" "$@"
}

# Installs the Debian packages that are missing, with apt's own progress.
packages() {
    local missing=() name
    for name in "$@"; do
        dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$name")
    done
    [ ${#missing[@]} = 0 ] && return
    say "installing Debian packages: ${missing[*]}"
    apt-get -q update >&2
    DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${missing[@]}" >&2
}

# Keeps the service of a Debian package that is not installed yet from starting: the tests start the program themselves.
without_service() {
    [ -d /run/systemd/system ] || return 0
    dpkg-query -W "$1" >/dev/null 2>&1 || systemctl mask --quiet "$1.service"
}

find_python() {
    local name
    for name in python3.13 python3.12 python3.11 python3; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail "no Python 3.11, 3.12 or 3.13 was found" "install one: apt-get install python3"
}

# .venv from the hashed lock file; made anew when the lock, the project or the interpreter changed.
environment() {
    local python stamp
    python=$(find_python)
    # Of pyproject.toml only what comes before the tools' settings changes what is installed.
    stamp=$({ "$python" -VV; cat requirements.lock; sed '/^\[tool/,$d' pyproject.toml; pwd; } | sha256sum)
    [ "$(cat .venv/opsctl-stamp 2>/dev/null)" = "$stamp" ] && .venv/bin/python -c '' 2>/dev/null && return
    "$python" -c 'import ensurepip, venv' 2>/dev/null || packages python3-venv
    say "making .venv from requirements.lock"
    rm -rf .venv
    "$python" -m venv .venv
    .venv/bin/python -m pip install -q --disable-pip-version-check --no-input --require-hashes -r requirements.lock
    .venv/bin/python -m pip install -q --disable-pip-version-check --no-input --no-deps --no-build-isolation -e .
    printf '%s' "$stamp" > .venv/opsctl-stamp
}

# The judges from outside (tests/judges), by lock files of their own; made anew when those or an interpreter changed.
# Where they cannot be installed, the tests that need them say so.
judges() {
    { command -v node && command -v npm; } >/dev/null || packages nodejs npm
    local python stamp folder=tests/judges
    python=$(find_python)
    stamp=$({ "$python" -VV; node --version; cat "$folder"/package-lock.json "$folder"/requirements.lock; pwd; } | sha256sum)
    [ "$(cat "$folder/.venv/opsctl-stamp" 2>/dev/null)" = "$stamp" ] && return
    say "installing the judges from outside"
    rm -rf "$folder/.venv" "$folder/node_modules"
    npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel error >&2 &&
        "$python" -m venv "$folder/.venv" &&
        "$folder/.venv/bin/python" -m pip install -q --disable-pip-version-check --no-input --require-hashes \
            -r "$folder/requirements.lock" &&
        printf '%s' "$stamp" > "$folder/.venv/opsctl-stamp"
}

# LocalStack's S3 (tests/contracts), in an environment of its own; it needs Python 3.13.
# Where there is none, or it cannot be installed, the tests run on the other servers alone.
localstack() {
    local python found='' stamp folder=tests/contracts/localstack
    for python in python3.13 "${HOME:-/root}"/.pyenv/versions/3.13.*/bin/python3; do
        if command -v "$python" >/dev/null && "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            found=$python
            break
        fi
    done
    [ -n "$found" ] || { say "LocalStack is left out: no Python 3.13 was found"; return 0; }
    stamp=$({ "$found" -VV; cat "$folder/requirements.lock"; pwd; } | sha256sum)
    if [ "$(cat "$folder/.venv/opsctl-stamp" 2>/dev/null)" != "$stamp" ]; then
        say "installing LocalStack"
        rm -rf "$folder/.venv"
        "$found" -m venv "$folder/.venv" &&
            "$folder/.venv/bin/python" -m pip install -q --disable-pip-version-check --no-input --require-hashes \
                -r "$folder/requirements.lock" &&
            printf '%s' "$stamp" > "$folder/.venv/opsctl-stamp" ||
            { say "LocalStack is left out: it could not be installed"; return 0; }
    fi
    export OPSCTL_TEST_LOCALSTACK=$PWD/$folder/.venv/bin/python
}
