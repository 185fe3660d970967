"""SimpleSAMLphp, as Debian has it: `php -S` serves it from a folder of the test's own."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.components import missing, needs
from tests.conftest import free_port
from tests.federation import saml_issuer as issuer
from tests.federation.saml_issuer import AWS, key
from tests.identity.saml_documents import ENTITY, private_pem

WWW = Path("/usr/share/simplesamlphp/www")
NEEDS_PHP = needs(
    "SimpleSAMLphp was", *missing("php"), *([] if WWW.is_dir() else ["simplesamlphp"])
)

_CONFIG = """<?php
$config = [
    'baseurlpath' => 'http://127.0.0.1:%(port)d/', 'certdir' => '%(folder)s/',
    'metadatadir' => '%(folder)s/', 'loggingdir' => '%(folder)s/', 'datadir' => '%(folder)s/',
    'tempdir' => '%(folder)s/tmp', 'secretsalt' => 'of-this-test',
    'auth.adminpassword' => 'of-this-test',
    'technicalcontact_email' => 'nobody@example.com', 'enable.saml20-idp' => true,
    'store.type' => 'phpsession', 'session.phpsession.savepath' => '%(folder)s',
    'session.cookie.secure' => false, 'session.phpsession.cookiename' => 'SimpleSAML',
    'logging.handler' => 'file', 'timezone' => 'UTC', 'usenewui' => false,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'metadata.sources' => [['type' => 'flatfile']],
];
"""
_PEOPLE = """<?php
$config = [
    'people' => ['exampleauth:UserPass', 'jo:secret' => ['uid' => ['jo'], 'cn' => ['Jo']]],
];
"""
_IDP = """<?php
$metadata['%(entity)s'] = [
    'host' => '__DEFAULT__', 'auth' => 'people', 'privatekey' => 'idp.key',
    'certificate' => 'idp.crt',
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
];
"""
_SP = """<?php
$metadata['%(acs)s'] = [
    'AssertionConsumerService' => '%(acs)s',
    'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    'simplesaml.nameidattribute' => 'uid',
    'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri',
    %(encryption)s
    'authproc' => [
        90 => ['class' => 'core:AttributeAdd', '%(aws)sRole' => ['%(pair)s']],
        91 => ['class' => 'core:AttributeCopy', 'uid' => '%(aws)sRoleSessionName'],
    ],
];
"""


@contextmanager
def simplesamlphp(folder: Path) -> Iterator[str]:
    """It listens: its URL. What it knows of us is written later (`knows`)."""
    port = free_port()
    known = {"folder": folder, "port": port, "entity": ENTITY}
    (folder / "config.php").write_text(_CONFIG % known)
    (folder / "authsources.php").write_text(_PEOPLE)
    (folder / "saml20-idp-hosted.php").write_text(_IDP % known)
    (folder / "saml20-sp-remote.php").write_text("<?php\n")
    (folder / "idp.key").write_text(private_pem(key("idp")))
    (folder / "idp.crt").write_bytes(issuer.public_pem("idp"))
    (folder / "tmp").mkdir()
    php = subprocess.Popen(
        ["php", "-d", "opcache.enable=0", "-S", f"127.0.0.1:{port}", "-t", str(WWW)],
        env={"PATH": "/usr/bin:/bin", "SIMPLESAMLPHP_CONFIG_DIR": str(folder)},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert php.stderr is not None
        for line in php.stderr:
            if "started" in line:
                break
        yield f"http://127.0.0.1:{port}"
    finally:
        php.kill()
        php.wait()


def knows(folder: Path, acs: str, pair: str, encryption: str = "") -> None:
    """It knows us by this URL, and gives its people this role. `encryption`: a certificate."""
    more = ""
    if encryption:
        more = f"'assertion.encryption' => true, 'certData' => '{encryption}',"
    said: Mapping[str, str] = {"acs": acs, "pair": pair, "aws": AWS, "encryption": more}
    (folder / "saml20-sp-remote.php").write_text(_SP % said)
