"""Unpack what Ansible's modules for KMS need from wheels: `make prove-ansible` runs it.

    python scripts/unpack_ansible.py WHEELS FOLDER

The package `ansible` is 54 MB, of nearly a hundred collections. Only `amazon.aws` is taken from it.
"""

import shutil
import sys
import zipfile
from pathlib import Path

WANTED = ("ansible_collections/amazon/aws/", "ansible_collections/__init__.py")


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("usage: python scripts/unpack_ansible.py WHEELS FOLDER")
    wheels, folder = map(Path, sys.argv[1:])
    shutil.rmtree(folder, ignore_errors=True)
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as packed:
            names = packed.namelist()
            if wheel.name.startswith("ansible-"):
                names = [name for name in names if name.startswith(WANTED)]
            packed.extractall(folder, names)


if __name__ == "__main__":
    main()
