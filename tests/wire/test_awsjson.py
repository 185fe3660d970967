"""JSON 1.1: what is read, what is refused and in which words, what is answered."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead import strictjson
from keystead.errors import AwsError, SerializationException, ValidationException
from keystead.wire import awsjson
from keystead.wire.models import kms as api
from keystead.wire.models import organizations
from keystead.wire.operation import Operation
from tests.wire import oracle

KEY = "arn:aws:kms:eu-central-1:111122223333:key/12345678-1234-1234-1234-123456789012"


def encrypt(**members: Any) -> bytes:
    return json.dumps({"KeyId": KEY, "Plaintext": "aGk=", **members}).encode()


def message(operation: Operation[Any, Any], body: Any) -> str:
    """The text of the ValidationException for a body."""
    with pytest.raises(ValidationException) as refused:
        awsjson.read(operation, json.dumps(body).encode())
    return str(refused.value.message)


@pytest.mark.parametrize(
    ("operation", "body", "text"),
    [
        (
            api.GenerateRandom,
            {"NumberOfBytes": 0},
            (
                "Value '0' at 'numberOfBytes' failed to satisfy constraint:"
                " Member must have value greater than or equal to 1"
            ),
        ),
        (
            api.GenerateRandom,
            {"NumberOfBytes": 1025},
            (
                "Value '1025' at 'numberOfBytes' failed to satisfy constraint:"
                " Member must have value less than or equal to 1024"
            ),
        ),
        (
            api.Encrypt,
            {"KeyId": KEY, "Plaintext": b64encode(bytes(4097)).decode()},
            (
                "Value at 'plaintext' failed to satisfy constraint:"
                " Member must have length less than or equal to 4096"
            ),
        ),
        (
            api.Encrypt,
            {"KeyId": KEY, "Plaintext": ""},
            (
                "Value at 'plaintext' failed to satisfy constraint:"
                " Member must have length greater than or equal to 1"
            ),
        ),
        (
            api.Encrypt,
            {"Plaintext": "aGk="},
            "Value null at 'keyId' failed to satisfy constraint: Member must not be null",
        ),
        (
            api.GenerateMac,
            {"KeyId": KEY, "Message": "aGk=", "MacAlgorithm": "INVALID"},
            (
                "Value 'INVALID' at 'macAlgorithm' failed to satisfy constraint: Member must"
                " satisfy enum value set: [HMAC_SHA_224, HMAC_SHA_256, HMAC_SHA_384, HMAC_SHA_512]"
            ),
        ),
        (
            api.DeriveSharedSecret,
            {"KeyId": KEY, "KeyAgreementAlgorithm": "X", "PublicKey": "aGk="},
            (
                "Value 'X' at 'keyAgreementAlgorithm' failed to satisfy constraint:"
                " Member must satisfy enum value set: [ECDH]"
            ),
        ),
        (
            api.CreateKey,
            {"Tags": [{"TagKey": "k" * 129, "TagValue": "v"}]},
            (
                f"Value '{'k' * 129}' at 'tags.1.member.tagKey' failed to satisfy constraint:"
                " Member must have length less than or equal to 128"
            ),
        ),
        (
            api.TagResource,
            {"KeyId": KEY, "Tags": [{"TagKey": "a", "TagValue": "b"}, {"TagKey": "k"}]},
            (
                "Value null at 'tags.2.member.tagValue' failed to satisfy constraint:"
                " Member must not be null"
            ),
        ),
        (
            api.UntagResource,
            {"KeyId": KEY, "TagKeys": ["fine", ""]},
            (
                "Value '[fine, ]' at 'tagKeys' failed to satisfy constraint: Member must satisfy"
                " constraint: [Member must have length less than or equal to 128, Member must have"
                " length greater than or equal to 1, Member must not be null]"
            ),
        ),
        (
            api.Encrypt,
            {"KeyId": KEY, "Plaintext": "aGk=", "GrantTokens": [""]},
            (
                "Value at 'grantTokens' failed to satisfy constraint: Member must satisfy"
                " constraint: [Member must have length less than or equal to 8192, Member must have"
                " length greater than or equal to 1, Member must not be null]"
            ),
        ),
        (
            api.CreateAlias,
            {"AliasName": "alias/ä", "TargetKeyId": "k"},
            (
                "Value 'alias/ä' at 'aliasName' failed to satisfy constraint: Member must satisfy"
                " regular expression pattern: ^[a-zA-Z0-9:/_-]+$"
            ),
        ),
        (
            api.CreateAlias,
            {"AliasName": "alias/a\n", "TargetKeyId": "k"},
            (
                "Value 'alias/a\n' at 'aliasName' failed to satisfy constraint: Member must satisfy"
                " regular expression pattern: ^[a-zA-Z0-9:/_-]+$"
            ),
        ),
    ],
)
def test_one_violation(operation: Operation[Any, Any], body: Any, text: str) -> None:
    """A violation is worded as AWS words it."""
    assert message(operation, body) == f"1 validation error detected: {text}"


def test_all_violations_at_once() -> None:
    """Every violation is named, in the model's order; of one member the pattern comes first."""
    text = message(api.CreateAlias, {"AliasName": "", "TargetKeyId": None})

    assert text == (
        "3 validation errors detected: Value '' at 'aliasName' failed to satisfy constraint:"
        " Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$; Value '' at"
        " 'aliasName' failed to satisfy constraint: Member must have length greater than or equal"
        " to 1; Value null at 'targetKeyId' failed to satisfy constraint: Member must not be null"
    )


def test_a_message_stays_bounded() -> None:
    """A request with thousands of violations gets the first hundred."""
    text = message(api.TagResource, {"KeyId": KEY, "Tags": [{}] * 5_000})

    assert text.startswith("100 validation errors detected: ")
    assert text.count("; ") == 99


def test_no_secret_is_quoted() -> None:
    """A sensitive value is never in the message about it."""
    body = {
        "CustomKeyStoreName": "",
        "KeyStorePassword": "hunter2" * 10,
        "XksProxyAuthenticationCredential": {
            "AccessKeyId": "private",
            "RawSecretAccessKey": "also-private",
        },
    }

    text = message(api.CreateCustomKeyStore, body)

    assert "Value at 'keyStorePassword' failed" in text
    assert "hunter2" not in text
    assert "private" not in text


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"KeyId": 5}, "NUMBER_VALUE can not be converted to a String"),
        ({"KeyId": True}, "TRUE_VALUE can not be converted to a String"),
        ({"KeyId": ["a"]}, "Start of list found where not expected"),
        ({"KeyId": {}}, "Start of structure or map found where not expected."),
        ({"DryRun": "true"}, "STRING_VALUE can not be converted to a Boolean"),
        ({"DryRun": 1}, "NUMBER_VALUE can not be converted to a Boolean"),
        ({"GrantTokens": "a"}, "Expected list or null"),
        ({"GrantTokens": {}}, "Start of structure or map found where not expected."),
        ({"EncryptionContext": "a"}, "Expected map or null"),
        ({"EncryptionContext": {"a": 1}}, "NUMBER_VALUE can not be converted to a String"),
        ({"Plaintext": 1}, "NUMBER_VALUE can not be converted to a Blob"),
    ],
)
def test_wrong_types(members: dict[str, Any], text: str) -> None:
    """A member of the wrong JSON type is a SerializationException, whatever else is wrong."""
    with pytest.raises(SerializationException) as refused:
        awsjson.read(api.Encrypt, encrypt(EncryptionAlgorithm="bad", **members))

    assert refused.value.message == text


@pytest.mark.parametrize("number", ["1.0", "1e2", "true", '"1"', "[1]"])
def test_integers_are_integers(number: str) -> None:
    """Only an integer is accepted as one."""
    with pytest.raises(SerializationException):
        awsjson.read(api.GenerateRandom, b'{"NumberOfBytes": %s}' % number.encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}x",
        b"[]",
        b"null",
        b'"text"',
        b"{'KeyId': 'a'}",
        b'\xef\xbb\xbf{"KeyId":"a"}',
        b'{"KeyId":"\xff"}',
        b'{"KeyId":"\xed\xa0\x80"}',
        b'{"KeyId":"a\x00"}',
        b'{"KeyId":"\\ud800"}',
        b'{"KeyId":"\\u0000"}',
        b'{"KeyId":"a","KeyId":"a"}',
        b'{"KeyId":"a","KeyId" : "b"}',
        b'{"KeyId":"a","Key\\u0049d":"b"}',
        b'{"KeyId":"a","X":{"a":1,"a":2}}',
        b'{"KeyId":"a","GrantTokens":[":"],"GrantTokens" :["b"]}',
        b'{"KeyId":"a","X":NaN}',
        b'{"KeyId":"a","X":-Infinity}',
        b'{"KeyId":"a","X":1e999}',
        b'{"KeyId":"a","X":9223372036854775808}',
        b'{"KeyId":"a","X":' + b"[" * 64 + b"]" * 64 + b"}",
        b'{"KeyId":"a","X":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"KeyId":"a","X":[' + b"1," * 20_000 + b"1]}",
    ],
)
def test_strict_json(body: bytes) -> None:
    """What is not one reading of strict JSON is refused (threat-model PA-1)."""
    with pytest.raises(SerializationException):
        awsjson.read(api.DescribeKey, body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"KeyId":"a"}',
        b' {\r\n\t"KeyId" :\t"a" } ',
        b'{"KeyId":"a","X":{"a":1,"b":[1.5e3,null,true]}}',
        b'{"KeyId":"a","GrantTokens":null}',
        b'{"KeyId":"\\u0061"}',
        b'{"KeyId":"a","X":' + b"[" * 63 + b"]" * 63 + b"}",
        b'{"KeyId":"a","X":9223372036854775807}',
    ],
)
def test_lenient_where_aws_is(body: bytes) -> None:
    """White space, escapes, nulls and unknown members change nothing."""
    assert awsjson.read(api.DescribeKey, body) == api.DescribeKeyRequest(key_id="a")


@pytest.mark.parametrize(
    "text", ["YQ", "YQ=", "YR==", "YWJ=", "Y Q==", "YQ==\\n", "-_==", "=", "ä"]
)
@pytest.mark.parametrize(
    "also", [b"", b',"Unknown":1', b',"EncryptionContext":{"Plaintext":"YQ=="}']
)
def test_base64_is_canonical(text: str, also: bytes) -> None:
    """A blob has one spelling, in the fast and in the strict reading (threat-model PA-3)."""
    with pytest.raises(SerializationException):
        awsjson.read(api.Encrypt, b'{"KeyId":"YQ==","Plaintext":"%s"%s}' % (text.encode(), also))


@given(st.binary(min_size=1, max_size=60), st.binary(min_size=1, max_size=60), st.booleans())
def test_blobs_are_read_back(message_: bytes, mac: bytes, strictly: bool) -> None:
    """Canonical base64 is read, also where two blobs end alike."""
    members = {"KeyId": "k", "MacAlgorithm": "HMAC_SHA_256"}
    members |= {"Message": b64encode(message_).decode(), "Mac": b64encode(mac).decode()}
    if strictly:
        members["Unknown"] = "x"

    request = awsjson.read(api.VerifyMac, json.dumps(members).encode())

    assert (request.message, request.mac) == (message_, mac)


def test_nested_blobs_are_canonical() -> None:
    """A blob inside a structure has one spelling too."""
    body = b'{"KeyId":"k","KeySpec":"AES_256","Recipient":{"AttestationDocument":"%s"}}'

    request = awsjson.read(api.GenerateDataKey, body % b"YQ==")
    with pytest.raises(SerializationException):
        awsjson.read(api.GenerateDataKey, body % b"YR==")

    assert request.recipient == api.RecipientInfo(attestation_document=b"a")


def test_timestamps_are_epoch_seconds() -> None:
    """A timestamp is a number in both directions, and aware of its zone in between."""
    members = {"KeyId": "k", "ImportToken": "YQ==", "EncryptedKeyMaterial": "YQ=="}
    body = json.dumps({**members, "ValidTo": 1.7e9}).encode()
    value = api.GetParametersForImportResponse(
        key_id="k", parameters_valid_to=datetime(2023, 11, 14, 22, 13, 20, 500_000, UTC)
    )

    request = awsjson.read(api.ImportKeyMaterial, body)

    assert request.valid_to == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert awsjson.write(api.GetParametersForImport, value) == (
        b'{"KeyId":"k","ParametersValidTo":1700000000.5}'
    )


def test_timestamps_further_inside_are_epoch_seconds() -> None:
    """Of members of members, and of the entries of lists; a null is not written."""
    moment = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    rotation = api.RotationsListEntry(key_id="k", rotation_date=moment)
    metadata = api.KeyMetadata(key_id="k", creation_date=moment)

    assert json.loads(
        awsjson.write(api.ListKeyRotations, api.ListKeyRotationsResponse(rotations=[rotation] * 2))
    ) == {"Rotations": [{"KeyId": "k", "RotationDate": 1.7e9}] * 2}
    assert json.loads(
        awsjson.write(api.CreateKey, api.CreateKeyResponse(key_metadata=metadata))
    ) == {"KeyMetadata": {"KeyId": "k", "CreationDate": 1.7e9}}


def test_no_map_of_an_answer_holds_timestamps() -> None:
    """The names of members say where timestamps are; the keys of a map are no such names."""
    outputs = [
        operation.output
        for operation in (*api.OPERATIONS.values(), *organizations.OPERATIONS.values())
        if operation.output is not type(None)
    ]

    assert {"CreationDate", "KeyMetadata"} <= awsjson.timed(api.CreateKeyResponse)
    assert all(isinstance(awsjson.timed(output), frozenset) for output in outputs)


@pytest.mark.parametrize("moment", ['"2023-11-14T22:13:20Z"', "1e300", "true", "{}"])
def test_timestamps_of_another_form(moment: str) -> None:
    """Nothing but a number in range is a timestamp."""
    body = '{"KeyId":"k","ImportToken":"YQ==","EncryptedKeyMaterial":"YQ==","ValidTo":%s}'
    with pytest.raises(SerializationException):
        awsjson.read(api.ImportKeyMaterial, (body % moment).encode())


def test_answers_without_members() -> None:
    """No output is an empty body; an empty output is an empty object; None is never written."""
    assert awsjson.write(api.DisableKey, None) == b""
    assert awsjson.write(api.UpdateCustomKeyStore, api.UpdateCustomKeyStoreResponse()) == b"{}"
    assert awsjson.write(api.DeriveSharedSecret, api.DeriveSharedSecretResponse()) == b"{}"


def test_response_headers() -> None:
    """An answer carries the headers that KMS sends."""
    assert dict(awsjson.response(api.DisableKey, None, "the-id").headers) == {
        "x-amzn-RequestId": "the-id",
        "Content-Type": "application/x-amz-json-1.1",
        "Cache-Control": "no-cache, no-store, must-revalidate, private",
        "Expires": "0",
        "Pragma": "no-cache",
    }


class _Denied(AwsError):
    code = "AccessDeniedException"


@pytest.mark.parametrize(
    ("refusal", "status", "body"),
    [
        (
            api.NotFoundException("Key 'x' does not exist"),
            400,
            b'{"__type":"NotFoundException","message":"Key \'x\' does not exist"}',
        ),
        (_Denied("no"), 400, b'{"__type":"AccessDeniedException","Message":"no"}'),
        (api.InvalidCiphertextException(), 400, b'{"__type":"InvalidCiphertextException"}'),
        (
            api.KMSInternalException("x"),
            500,
            b'{"__type":"KMSInternalException","message":"x"}',
        ),
    ],
)
def test_errors(refusal: AwsError, status: int, body: bytes) -> None:
    """An error has its bare name, its message as KMS spells the member, and its header."""
    response = awsjson.error(refusal, "the-id")

    assert (response.status, response.body) == (status, body)
    assert ("x-amzn-ErrorType", refusal.code) in response.headers


json_operations = [op for op in oracle.OPERATIONS if op.service.protocol == "json"]


@pytest.mark.parametrize("operation", json_operations, ids=lambda operation: operation.name)
def test_both_readings_agree(operation: Operation[Any, Any]) -> None:
    """The strict reading of a body gives what the fast one gives."""
    for tree in oracle.inputs(operation, 5):
        body = bytes(oracle.serialized(operation, tree))
        with_unknown = body.replace(b"{", b'{"Unknown":1,' if tree else b'{"Unknown":1', 1)

        assert awsjson.read(operation, with_unknown) == awsjson.read(operation, body)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("YQ=="),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(
    sorted({field.encode_name for field in msgspec.structs.fields(api.CreateGrantRequest)})
)


@given(st.dictionaries(names, values))
def test_any_json_is_read_or_refused(members: dict[str, Any]) -> None:
    """Whatever JSON comes, it is read or refused with AWS's error: nothing else escapes."""
    body = json.dumps(members).encode()
    operations: tuple[Operation[Any, Any], ...] = (api.CreateGrant, api.Encrypt)
    for operation in (*operations, api.ImportKeyMaterial, api.ListKeys):
        try:
            value = awsjson.read(operation, body)
        except AwsError:
            continue
        assert isinstance(value, operation.input)


@given(st.binary(max_size=80), st.integers(0, 200))
def test_any_bytes_are_read_or_refused(noise: bytes, place: int) -> None:
    """Noise anywhere in a body is read or refused, never more."""
    body = encrypt(EncryptionContext={"tenant": "a"})
    for mutated in (noise, body[:place] + noise + body[place:], body[:place] + noise):
        try:
            awsjson.read(api.Encrypt, mutated)
        except AwsError:
            continue
        assert isinstance(strictjson.loads(mutated), dict)


@given(st.data())
def test_no_repeated_member_is_accepted(data: st.DataObject) -> None:
    """A body in which any name occurs twice is refused, however it is spelled and spaced."""
    pairs = [("KeyId", '"k"'), ("Plaintext", '"YQ=="'), ("DryRun", "true")]
    pairs += [("EncryptionContext", '{":":":"}'), ("GrantTokens", '[":"]'), ("X", "null")]
    chosen = data.draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=8))
    blank = st.sampled_from(["", " ", "\n", "\t "])
    body = ",".join(
        f'{data.draw(blank)}"{name}"{data.draw(blank)}:{data.draw(blank)}{value}'
        for name, value in chosen
    )
    distinct = {name for name, _ in chosen}
    try:
        awsjson.read(api.Encrypt, f"{{{body}}}".encode())
    except ValidationException:
        assert len(distinct) == len(chosen)
        assert not distinct >= {"KeyId", "Plaintext"}
    except SerializationException:
        assert len(distinct) < len(chosen)
    else:
        assert len(distinct) == len(chosen)
