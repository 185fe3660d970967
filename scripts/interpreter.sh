#!/bin/sh
# Can this interpreter make the environment, and did it?  interpreter.sh PYTHON VENV
#
# Prints nothing if it did, `other` if another one did, `wrong` (and why) if it cannot.
python=$1 venv=$2
ask='import os, sys; print(os.path.realpath(getattr(sys, "_base_executable", sys.executable)), *sys.version_info[:3])'
if ! wanted=$("$python" -c "$ask" 2>/dev/null); then
    echo "keystead: error: \`$python\` is no Python that runs" >&2
elif ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "keystead: error: Python 3.11 or later is needed, and \`$python\` is$(echo " $wanted" | sed 's/.* \([0-9]*\) \([0-9]*\) \([0-9]*\)$/ \1.\2/')" >&2
elif [ "$wanted" = "$("$venv/bin/python" -c "$ask" 2>/dev/null)" ]; then
    exit
else
    echo other
    exit
fi
echo "keystead: hint: make PYTHON=python3.12 …" >&2
echo wrong
