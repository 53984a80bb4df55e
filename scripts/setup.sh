# Sourced by the other scripts: `set_up EXTRAS` makes .venv once and installs this project with these extras, e.g. "[dev]".
# Settings: PYTHON names the interpreter to start from.

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s' "$candidate"
            return
        fi
    done
    fail "needs Python 3.11 or newer, and found none${PYTHON:+ at $PYTHON}: install one, or name it: PYTHON=/path/to/python $0"
}

set_up() {
    local extras=$1 stamp wanted python
    stamp=".venv/whorl-$(printf '%s' "$extras" | tr -dc 'a-z')"
    wanted=$(cksum <pyproject.toml)
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
        return
    fi
    python=$(find_python)
    echo "setting up .venv (once; a few minutes)" >&2
    if [ ! -x .venv/bin/python ]; then
        "$python" -m venv .venv || fail "$python cannot make a virtual environment: on Debian, apt install python3-venv"
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".$extras" ||
        fail "installation failed (see above): it needs the network, or a package index that pip is told of, and 3 GB of disk"
    printf '%s' "$wanted" >"$stamp"
}

# What tests need and pip does not bring: a PostgreSQL server, and a browser. `set_up_programs` installs what is absent where it
# may, as root on Debian; elsewhere it says what is missing. Tests that miss it are skipped, under CI=true they fail.
set_up_programs() {
    local missing=()
    { command -v initdb || ls /usr/lib/postgresql/*/bin/initdb; } >/dev/null 2>&1 || missing+=(postgresql)
    { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null 2>&1 || missing+=(chromium)
    command -v curl >/dev/null 2>&1 || missing+=(curl)
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        echo "not installed, so their tests are skipped: ${missing[*]}; on Debian: apt install ${missing[*]}" >&2
        return 0
    fi
    echo "installing ${missing[*]} (once; some minutes)" >&2
    # Tests start a server of their own: the package need not make one and start it.
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        mkdir -p /etc/postgresql-common
        echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    fi
    { apt-get update --quiet --quiet && DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes \
        --no-install-recommends -o Dpkg::Options::=--force-confold "${missing[@]}"; } >/dev/null ||
        echo "apt could not install ${missing[*]} (see above): their tests are skipped" >&2
}
