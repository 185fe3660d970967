#!/bin/sh
# Build and install the client of directories: install_ldap.sh PYTHON WHEELS MARK
#
# It exists as source alone. Where libldap's headers are missing nothing is installed, and it is said;
# then the file MARK is not made, and the next `make ldap` tries again.
python=$1 wheels=$2 mark=$3
if ! echo '#include <ldap.h>
#include <sasl/sasl.h>' | cc -E -x c - >/dev/null 2>&1; then
    echo "keystead: note: no compiler, or no headers of libldap and libsasl: directories are not served, nor tried" >&2
    echo "keystead: hint: apt-get install gcc libldap-dev libsasl2-dev python3-dev, then \`make ldap\`" >&2
    exit 0
fi
sh "$(dirname "$0")/install.sh" "$python" "$wheels" requirements/ldap.lock --no-deps --no-build-isolation &&
    touch "$mark"
