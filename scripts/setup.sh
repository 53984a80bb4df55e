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
