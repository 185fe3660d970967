#!/bin/sh
# Which interpreter makes .venv?  The system's own where it will do, else the first `python3`.
#
# The system's gets the system's security updates. Distributions also build it with profile-guided
# optimisation, which others often are not, and which a fifth of the cost of a request depends on.
for python in /usr/bin/python3 python3; do
    if "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "$python"
        exit
    fi
done
echo python3
