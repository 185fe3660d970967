#!/bin/sh
# `make bench`: measure the running server with wrk, beside moto_server. Arguments: PYTHON BIN.
set -eu
python=$1
bin=$2
venv=.venv-bench

if ! command -v wrk >/dev/null 2>&1; then
    echo "keystead: error: \`wrk\` is not installed, and nothing else drives the load" >&2
    echo "keystead: hint: apt-get install wrk (macOS: brew install wrk)" >&2
    exit 1
fi
if [ ! -r /proc/self/stat ]; then
    echo "keystead: error: the benchmark reads CPU times from /proc, which this system lacks" >&2
    echo "keystead: hint: run it on Linux" >&2
    exit 1
fi

if [ ! -e "$venv/.ready" ] || [ requirements/bench.lock -nt "$venv/.ready" ]; then
    echo "keystead: installing moto_server into $venv …" >&2
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
        -r requirements/bench.lock
    touch "$venv/.ready"
fi

"$bin/python" -m bench.measure --keystead "$bin/keystead" --moto "$venv/bin/moto_server"
"$bin/python" -m bench.mixed --keystead "$bin/keystead"
exec "$bin/python" -m bench.slow_keys --keystead "$bin/keystead"
