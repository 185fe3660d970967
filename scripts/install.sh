#!/bin/sh
# Install locked packages into an environment: install.sh PYTHON WHEELS LOCK… [OPTION…]
#
# OPTIONs are pip's. From the package index that pip is configured for or, where WHEELS is a folder, from that alone.
python=$1 wheels=$2
shift 2
for argument; do
    shift
    case $argument in
        *.lock) set -- "$@" -r "$argument" ;;
        *) set -- "$@" "$argument" ;;
    esac
done
if [ -n "$wheels" ]; then
    set -- --no-index --find-links "$wheels" "$@"
fi
"$python" -m pip install --quiet --disable-pip-version-check --retries 1 --require-hashes "$@" && exit
if [ -n "$wheels" ]; then
    echo "keystead: error: the folder '$wheels' does not hold all wheels of these versions, for this Python" >&2
    echo "keystead: hint: fill it with \`make wheels WHEELS=DIR\` on a machine with the same system and Python" >&2
else
    echo "keystead: error: pip could not fetch the packages: it needs a package index that it reaches" >&2
    echo "keystead: hint: set PIP_INDEX_URL, or install from a folder of wheels: make setup WHEELS=DIR (docs/operating.md)" >&2
fi
exit 1
