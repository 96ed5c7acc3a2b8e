#!/bin/sh
# Writes requirements/*.txt anew from pyproject.toml. `scripts/lock.sh --upgrade` takes newer versions.
set -eu
cd "$(dirname "$0")/.."
compile() {
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-annotate --custom-compile-command scripts/lock.sh "$@"
}
compile pyproject.toml -o requirements/runtime.txt "$@"
compile pyproject.toml --group dev -c requirements/runtime.txt -o requirements/dev.txt "$@"
# hatchling asks for editables only when it makes an editable install
printf 'hatchling\neditables\n' | compile - -o requirements/build.txt "$@"
