"""Certificates for servers of this machine, as files."""

from pathlib import Path

import trustme


def put(directory: Path, authority: trustme.CA) -> None:
    """Write `cert.pem` for 127.0.0.1 and its `key.pem`, of this authority."""
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(directory / "cert.pem")
    issued.private_key_pem.write_to_path(directory / "key.pem")
    (directory / "key.pem").chmod(0o600)


def made(directory: Path) -> Path:
    """The directory, with a certificate, its key, and the authority's certificate, `ca.pem`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / "ca.pem")
    put(directory, authority)
    return directory
