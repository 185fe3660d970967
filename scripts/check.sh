#!/bin/sh
# What `make check` runs: every check runs, each failure is named, one exit status.
set -u
bin=$1
failed=''
step() { name=$1; shift; printf '  %-18s' "$name"; if output=$("$@" 2>&1); then echo ok; else echo FAILED; echo "$output"; failed="$failed $name"; fi; }
step format     "$bin/ruff" format --check .
step lint       "$bin/ruff" check .
step types      "$bin/mypy"
step imports    "$bin/lint-imports" --no-cache
step faces      "$bin/python" scripts/faces.py
step models     "$bin/python" scripts/generate_models.py --check
step published  "$bin/python" scripts/generate_published.py --check
step docs       "$bin/python" scripts/generate_docs.py --check
step citations  "$bin/python" -m scripts.check_citations
step reasons    "$bin/python" -m scripts.check_reasons
if [ -n "$failed" ]; then echo "keystead: error: check failed:$failed" >&2; exit 1; fi
