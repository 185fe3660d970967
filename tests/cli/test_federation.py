"""`keystead federation`: how people sign in by providers, as the operator says it."""

import json
import re
from pathlib import Path

import pytest

from keystead.cli.secret_files import secret_in
from keystead.custody.files import SealError
from keystead.failures import Failure
from tests.conftest import Server
from tests.federation.saml_issuer import described


@pytest.fixture(scope="module")
def providers(server: Server) -> tuple[str, str]:
    """A provider of each kind: their ARNs."""
    iam = server.client("iam")
    saml = iam.create_saml_provider(Name="corp-federation", SAMLMetadataDocument=described("idp"))
    oidc = iam.create_open_id_connect_provider(
        Url="https://federation.example.com", ClientIDList=["console"]
    )
    return saml["SAMLProviderArn"], oidc["OpenIDConnectProviderArn"]


def test_what_is_said_is_listed(server: Server, providers: tuple[str, str], tmp_path: Path) -> None:
    """Each command answers what is known now; the client's secret is shown by none."""
    saml, oidc = providers
    secret = tmp_path / "secret"
    secret.write_text("canary-secret\n")
    secret.chmod(0o600)
    at = ("--json",)
    client = ("--client-id", "console", "--client-secret-file", str(secret))

    said = json.loads(
        server.keystead("federation", "oidc", oidc, *client, "--role-claim", "roles", *at).stdout
    )
    switched = json.loads(
        server.keystead("federation", "saml", saml, "--no-provider-initiated", *at).stdout
    )
    listed = server.keystead("federation", "list", *at).stdout

    assert said["HasSecret"] is True
    assert (said["RoleClaim"], said["NameClaim"], said["Scopes"]) == ("roles", "sub", "openid")
    assert switched["ProviderInitiated"] is False
    own = [each for each in json.loads(listed)["Providers"] if each["Provider"] in {saml, oidc}]
    assert own == [switched, said]
    assert "canary-secret" not in listed
    assert server.keystead("federation", "remove", oidc, *at).returncode == 0
    plain = server.keystead("federation", "list").stdout
    assert saml in plain
    assert oidc not in plain


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("saml", "arn:aws:iam::1:x", "--provider-initiated"), "there is no provider"),
        (("oidc", "{oidc}", "--client-id", "other", "--role-claim", "r"), "not among the client"),
        (("oidc", "{oidc}", "--client-id", "console"), "either a claim names the roles"),
        (("oidc", "{saml}", "--client-id", "console", "--role-claim", "r"), "no provider of Open"),
        (("saml", "{oidc}", "--provider-initiated"), "no provider of SAML"),
    ],
)
def test_what_cannot_be_is_refused(
    server: Server, providers: tuple[str, str], arguments: tuple[str, ...], message: str
) -> None:
    """What is wrong, where, and what to do."""
    saml, oidc = providers
    told = [each.format(saml=saml, oidc=oidc) for each in arguments]

    ran = server.keystead("federation", *told)

    assert ran.returncode in {1, 2}
    assert message in ran.stderr
    assert "hint: " in ran.stderr


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        ("canary-secret\n", 0o644, "is accessible to others (mode 0644)"),
        ("\n", 0o600, "is empty"),
        ("x" * 1025, 0o600, "holds no secret"),
    ],
)
def test_a_secret_of_somebody_else_is_refused(
    tmp_path: Path, content: str, mode: int, message: str
) -> None:
    """The file of a secret is its owner's alone; nothing of it is told."""
    (file := tmp_path / "secret").write_text(content)
    file.chmod(mode)

    with pytest.raises((Failure, SealError), match=re.escape(message)) as refused:
        secret_in(file)

    assert getattr(refused.value, "hint", "")
    assert "canary" not in str(refused.value)


def test_the_secret_of_a_client_is_its_owners(
    server: Server, providers: tuple[str, str], tmp_path: Path
) -> None:
    """The command does not take one that others may read, and says nothing of it."""
    (file := tmp_path / "secret").write_text("canary-secret\n")
    file.chmod(0o640)
    ran = server.keystead(
        "federation", "oidc", providers[1], "--client-id", "console", "--role-claim", "r",
        "--client-secret-file", str(file),
    )  # fmt: skip
    assert ran.returncode
    assert "is accessible to others (mode 0640)" in ran.stderr
    assert "hint: chmod 600" in ran.stderr
    assert providers[1] not in server.keystead("federation", "list").stdout
