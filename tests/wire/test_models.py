"""The generated models: current, complete, and true to what they were generated from."""

import re
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scripts.java_patterns import JAVA_CLASSES, python_pattern

from keystead.errors import AwsError
from keystead.wire.models import iam, kms, sts
from keystead.wire.operation import Operation
from keystead.wire.schema import Kind, parts, schema_of
from tests.wire import oracle

ROOT = Path(__file__).resolve().parents[2]
GENERATED = Path("src/keystead/wire/models")
OWN, DOCUMENTED = Path("src/keystead_service/data"), Path("docs/models")

every_operation = pytest.mark.parametrize(
    "operation", oracle.OPERATIONS, ids=lambda op: f"{op.service.name}-{op.name}"
)


def check(root: Path) -> subprocess.CompletedProcess[str]:
    """What the generator says about the modules below a root."""
    return subprocess.run(
        [sys.executable, root / "scripts" / "generate_models.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )


def copied(tmp_path: Path) -> Path:
    """The generator and its output, somewhere else."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    for folder in (GENERATED, OWN, DOCUMENTED):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def test_the_committed_modules_are_current(tmp_path: Path) -> None:
    """Generating again gives what is committed."""
    result = check(copied(tmp_path))

    assert (result.returncode, result.stderr) == (0, "")


def test_a_difference_is_named(tmp_path: Path) -> None:
    """A module that was edited, and one that nothing generates, fail the check by name."""
    root = copied(tmp_path)
    edited = root / GENERATED / "sts.py"
    edited.write_text(edited.read_text().replace("GetCallerIdentity", "GetIdentity"))
    (root / GENERATED / "stray.py").write_text("")

    result = check(root)

    assert result.returncode == 1
    assert "out of date: `stray.py`, `sts.py`" in result.stderr


def test_every_operation_is_there() -> None:
    """All operations of the three services."""
    counts = {name: len(module.OPERATIONS) for name, module in oracle.SERVICES.items()}

    assert counts == {"kms": 56, "iam": 181, "sts": 12}


def test_services() -> None:
    """What tells the services apart."""
    assert (kms.SERVICE.target_prefix, kms.SERVICE.clock_skew_seconds) == ("TrentService", 300)
    assert (iam.SERVICE.xml_namespace, iam.SERVICE.clock_skew_seconds) == (
        "https://iam.amazonaws.com/doc/2010-05-08/",
        900,
    )
    assert (kms.SERVICE.is_global, iam.SERVICE.is_global, sts.SERVICE.is_global) == (
        False,
        True,
        True,
    )
    assert sts.SERVICE.event_source == "sts.amazonaws.com"


@every_operation
def test_shapes_have_the_models_members(operation: Operation[Any, Any]) -> None:
    """Input and output have botocore's members, and its required ones."""
    model = oracle.shapes(operation)
    for side, shape in (
        (operation.input, model.input_shape),
        (operation.output, model.output_shape),
    ):
        if side is type(None):
            assert shape is None
            continue
        described = schema_of(side).members
        assert [member.wire_name for member in described] == list(shape.members if shape else ())
        required = {member.wire_name for member in described if member.required}
        assert required == set(shape.required_members if shape else ())


@every_operation
def test_types_are_sound(operation: Operation[Any, Any]) -> None:
    """Every type can be decoded, also the ones that only answers have."""
    assert msgspec.json.Decoder(operation.input)
    assert msgspec.json.Decoder(operation.output)


def test_unsigned_operations() -> None:
    """Exactly the two federation calls are unsigned (threat-model AU-1)."""
    unsigned = [operation.name for operation in oracle.OPERATIONS if not operation.signed]

    assert unsigned == ["AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"]


@pytest.mark.parametrize(
    ("operation", "reads"),
    [
        (kms.Encrypt, True),
        (kms.GenerateDataKeyPairWithoutPlaintext, True),
        (kms.VerifyMac, True),
        (kms.DescribeKey, True),
        (kms.ListKeys, True),
        (kms.CreateKey, False),
        (kms.RetireGrant, False),
        (kms.ImportKeyMaterial, False),
        (kms.EnableKey, False),
        (iam.GenerateCredentialReport, True),
        (iam.GenerateServiceLastAccessedDetails, False),
        (iam.SimulateCustomPolicy, True),
        (iam.CreateUser, False),
        (iam.ChangePassword, False),
        (sts.GetCallerIdentity, True),
        (sts.DecodeAuthorizationMessage, True),
        (sts.AssumeRole, True),  # so says CloudTrail of every call that gives credentials
    ],
)
def test_what_only_reads(operation: Operation[Any, Any], reads: bool) -> None:
    """CloudTrail's readOnly, and never for what must write."""
    assert operation.read_only is reads


@pytest.mark.parametrize(
    ("error", "code", "status", "query_code", "query_status"),
    [
        (kms.NotFoundException, "NotFoundException", 400, "", 0),
        (kms.KMSInternalException, "KMSInternalException", 500, "", 0),
        (iam.NoSuchEntityException, "NoSuchEntityException", 400, "NoSuchEntity", 404),
        (iam.PolicyEvaluationException, "PolicyEvaluationException", 500, "PolicyEvaluation", 500),
        (iam.InvalidInputException, "InvalidInputException", 400, "InvalidInput", 0),
        (sts.ExpiredTokenException, "ExpiredTokenException", 400, "", 0),
        (sts.IDPRejectedClaimException, "IDPRejectedClaimException", 400, "IDPRejectedClaim", 403),
    ],
)
def test_errors(
    error: type[AwsError], code: str, status: int, query_code: str, query_status: int
) -> None:
    """An error has its code and status in either protocol."""
    assert (error.code, error.status) == (code, status)
    assert (error.query_code, error.query_status) == (query_code, query_status)


@every_operation
def test_what_is_secret(operation: Operation[Any, Any]) -> None:
    """Whatever the model marks as sensitive is sensitive here, in answers too."""
    model = oracle.MODELS[operation.service.name]
    for side in (operation.input, operation.output):
        if side is type(None):
            continue
        for part, _ in parts(schema_of(side)):
            for member in part.members:
                assert part.structure is not None
                if part.structure.__name__ not in model.shape_names:
                    continue
                shape = model.shape_for(part.structure.__name__).members[member.wire_name]
                if shape.metadata.get("sensitive"):
                    assert member.sensitive
                if member.sensitive:
                    assert member.attribute in operation.sensitive


def test_secrets_stay_out_of_a_repr() -> None:
    """A repr shows names and harmless values: no secret, no token, no blob."""
    request = kms.ReEncryptRequest(
        ciphertext_blob=b"sealed", destination_key_id="k", grant_tokens=["a-token"]
    )

    assert repr(request) == (
        "ReEncryptRequest(ciphertext_blob=…, destination_key_id='k', grant_tokens=…)"
    )


def test_patterns_match_whole_ascii_texts() -> None:
    """Every pattern of the models is anchored, and only \\p{…} allows letters beyond ASCII."""
    for operation in oracle.OPERATIONS:
        for part, _ in parts(schema_of(operation.input)):
            if part.kind is Kind.STRING and part.pattern is not None:
                pattern = part.pattern.pattern
                assert pattern.startswith(r"\A")
                assert pattern.endswith(r"\Z")
                assert "$" not in pattern
                assert (r"\w" in pattern) == (r"\p{L}" in part.model_pattern)
                assert r"\d" not in pattern


def test_python_knows_letters_and_numbers_as_java_does() -> None:
    """Python's \\w is \\p{L}, \\p{N} and the underscore; our list of \\p{Z} is complete."""
    word = re.compile(r"\w")
    space = re.compile(f"[{JAVA_CLASSES[chr(92) + 'p{Z}']}]")
    for point in range(sys.maxunicode + 1):
        character = chr(point)
        category = unicodedata.category(character)
        assert bool(word.match(character)) == (category[0] in "LN" or character == "_")
        assert bool(space.match(character)) == (category[0] == "Z")


@pytest.mark.parametrize(
    ("java", "matching", "other"),
    [
        (r"[\w+=,.@-]+", ["a_1", "+=,.@-"], ["", "ä", "a\n", "a b"]),
        (r"^a$|^b$", ["a", "b"], ["ab", "a\n", ""]),
        (r"[\d]+", ["12"], ["١٢", ""]),
        (r"[a-zA-Z_\s.-]+", ["a b\t"], ["a\u00a0b"]),
        (r"[\u0020-\u00FF]+", ["~ÿ"], ["\x1f", "Ā", "\n"]),
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", ["", "ä ٣\u3000Ⅷ"], ["\n", "a\u0301", "#"]),
        (r"^[a-z]([a-z]|-(?!-)){1,3}$", ["a-b"], ["a--b", "a"]),
        (r"[\t\u10000-\u10FFFF]", ["\t", "\U0001f511"], ["0", "က"]),
        (r"(?s).*", ["a\nb"], []),
        (r".*", ["a"], ["a\nb"]),
    ],
)
def test_java_patterns(java: str, matching: list[str], other: list[str]) -> None:
    """A translated pattern matches what Java's would, whole."""
    pattern = re.compile(python_pattern(java))

    assert all(map(pattern.match, matching))
    assert not any(map(pattern.match, other))
