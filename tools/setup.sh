#!/bin/sh
# Makes the virtual environment and installs what requirements.txt locks.
# `make` calls this when requirements.txt or pyproject.toml changed: sh tools/setup.sh FOLDER
set -eu
venv=$1

find_python() {
    for name in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    echo "No Python 3.11 or newer found; install one, or name it: make PYTHON=/path/to/python3" >&2
    exit 1
}

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    echo "Making $venv with $("$python" --version)."
    "$python" -m venv --clear "$venv"
fi
echo "Installing requirements.txt into $venv; the first time this takes about a minute."
# The build of the project itself warns, even when all is well, and so does a second try of pip's.
PYTHONWARNINGS=ignore "$venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check -r requirements.txt
touch "$venv/.installed"
