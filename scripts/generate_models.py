"""Generate `src/keystead/wire/models` from the service models of botocore.

They are those of requirements/models.lock, which `make` installs beside the packages: newer than
the botocore that the AWS CLI asks for and that the tests run on.

    python scripts/generate_models.py            write the modules
    python scripts/generate_models.py --check    exit 1 if a committed module differs

One module per service of SERVICES; a further service is one more line there. What comes from the
model: structures, constraints, enumerations, errors, operations. What the models do not say is in
the tables below: the clock window, which members are secret, which operations only read.
Documentation texts are left out.
"""

import difflib
import gzip
import json
import keyword
import re
import sys
from dataclasses import dataclass, field
from importlib.metadata import distributions
from itertools import islice
from pathlib import Path
from typing import Any

from java_patterns import python_pattern  # type: ignore[import-not-found]  # stands beside us

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "src" / "keystead" / "wire" / "models"
OUR_MODELS = ROOT / "docs" / "models"
INSTALLED = Path(sys.prefix) / "models"
BOTOCORE_DATA = INSTALLED / "botocore" / "data"
OWN_DATA = MODELS.parents[2] / "keystead_service" / "data"  # of our extension for services

Shapes = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Source:
    """One service to generate, and what its model does not say."""

    name: str  # the folder in botocore's data; the signing name and action prefix
    signing_name: str = ""  # and action prefix, where it is not the folder's name
    clock_skew_seconds: int = 900
    is_global: bool = False
    echoes_values: bool = True
    gives_reasons: bool = False
    only: frozenset[str] = field(default_factory=frozenset)  # operations to take; empty = all
    own_limits: frozenset[str] = field(default_factory=frozenset)  # shapes the operation checks
    ours: bool = False  # a service of Keystead's own: its model is in docs/models
    more: str = ""  # a folder of docs/models with what AWS's model leaves out


SERVICES = (
    Source("kms", clock_skew_seconds=300),
    Source("iam", is_global=True, echoes_values=False),
    Source("sts", is_global=True),
    Source("accessanalyzer", signing_name="access-analyzer", only=frozenset({"ValidatePolicy"})),
    Source(
        "cloudtrail",
        is_global=True,  # the events of global services are looked up where those are
        only=frozenset({"ListPublicKeys", "LookupEvents"}),
        own_limits=frozenset({"MaxResults"}),  # InvalidMaxResultsException
    ),
    Source("keystead"),
    Source("organizations", clock_skew_seconds=300, is_global=True, gives_reasons=True),
    Source(
        "ec2",
        only=frozenset(
            {
                "AssociateIamInstanceProfile",
                "CreateTags",
                "CreateVpcEndpoint",
                "DeleteTags",
                "DeleteVpcEndpoints",
                "DescribeIamInstanceProfileAssociations",
                "DescribeInstances",
                "DescribePrefixLists",
                "DescribeTags",
                "DescribeVpcEndpointServices",
                "DescribeVpcEndpoints",
                "DisassociateIamInstanceProfile",
                "GetInstanceMetadataDefaults",
                "ModifyInstanceMetadataDefaults",
                "ModifyInstanceMetadataOptions",
                "ModifyVpcEndpoint",
                "ReplaceIamInstanceProfileAssociation",
            }
        ),
        # The model says "Available", and EC2 "available"; a host may be of any type.
        own_limits=frozenset({"InstanceType", "State"}),
    ),
    Source("keystead-instances", clock_skew_seconds=300, ours=True),
    Source(
        "rolesanywhere",
        clock_skew_seconds=300,
        more="rolesanywhere-sessions",
        # Their patterns take time that grows with the square of a text; `identity.anywhere` reads
        # what they describe.
        own_limits=frozenset(
            {
                "CrlIdentifier",
                "ProfileIdentifier",
                "RoleArn",
                "TrustAnchorIdentifier",
                "TrustAnchorIdentifierArn",
                "Uuid",
            }
        ),
    ),
)

# Operations that AWS leaves unsigned (threat-model AU-1).
UNSIGNED = {("sts", "AssumeRoleWithSAML"), ("sts", "AssumeRoleWithWebIdentity")}
UNSIGNED |= {  # and those that we leave so: an agent signs with its own key
    ("keystead-instances", "EnrolAgent"),
    ("keystead-instances", "GetInstanceCredentials"),
}
UNSIGNED.add(("rolesanywhere", "CreateSession"))  # a certificate's key signs it

# CloudTrail's readOnly (kms.md 22.1), which also decides whether a call may write: when in doubt,
# an operation is not read-only.
READS = r"(Get|List|Describe|Simulate|Decode|Lookup)[A-Z].*|Generate[A-Za-z]*Report"
CRYPTOGRAPHY = (
    r"Encrypt|Decrypt|ReEncrypt|Sign|Verify(Mac)?|Encapsulate|Decapsulate|DeriveSharedSecret"
    r"|Generate(Random|Mac|DataKey(Pair)?(WithoutPlaintext)?)"
)
READ_ONLY = {
    "kms": re.compile(f"{READS}|{CRYPTOGRAPHY}"),
    "sts": re.compile(
        f"{READS}|AssumeRole.*|AssumeRoot"
    ),  # as CloudTrail has it: nothing is stored
    "accessanalyzer": re.compile(f"{READS}|ValidatePolicy"),
}
READ_ONLY_ELSEWHERE = re.compile(READS)

# Members that are never shown, beside those the model marks as sensitive (kms.md 22.2): tokens,
# ciphertexts and signatures, attestation, one-time codes, session tokens.
SENSITIVE_MEMBERS = {
    "kms": {
        "AttestationDocument",
        "CiphertextBlob",
        "CiphertextForRecipient",
        "EncryptedKeyMaterial",
        "GrantToken",
        "GrantTokens",
        "ImportToken",
        "Mac",
        "PrivateKeyCiphertextBlob",
        "SharedSecretCiphertextBlob",
        "Signature",
    },
    "iam": {"AuthenticationCode1", "AuthenticationCode2"},
    "keystead": {"Request", "SecretAccessKey", "SessionToken"},
    # No secrets, but every agent gets them each minute: they would be most of the log.
    "keystead-instances": {
        "IdentityDocument",
        "IdentityDocumentPkcs7",
        "IdentityDocumentSignature",
        "Tags",
    },
    "sts": {"ContextAssertion", "EncodedMessage", "SessionToken", "TokenCode"},
}

# What a module of models uses under these names itself.
TAKEN = {"Annotated", "Any", "AwsError", "Literal", "Meta", "NoneType", "OPERATIONS", "Operation"}
TAKEN |= {"SERVICE", "Service", "Shape", "datetime", "field"}

# A type checker does not inherit these two from Shape.
BASE = "Shape, frozen=True, kw_only=True"

SCALARS = {
    "string": "str",
    "character": "str",
    "blob": "bytes",
    "boolean": "bool",
    "integer": "int",
    "long": "int",
    "float": "float",
    "double": "float",
    "timestamp": "datetime",
}
INTEGER_BITS = {"integer": 32, "long": 64}


def snake(name: str) -> str:
    """The attribute for a member: `KeyId` -> `key_id`, `SAMLProviderArn` -> `saml_provider_arn`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    attribute = words.replace("-", "_").lower()
    return f"{attribute}_" if keyword.iskeyword(attribute) else attribute


def pascal(attribute: str) -> str:
    """The wire name that `Shape` gives an attribute by itself."""
    return "".join(word[:1].upper() + word[1:] for word in attribute.split("_"))


def constraints(shape: dict[str, Any]) -> str:
    """The `Meta(…)` of a shape, or "" when it has no constraint."""
    kind = shape["type"]
    arguments = []
    if kind in INTEGER_BITS:
        largest = 2 ** (INTEGER_BITS[kind] - 1)
        arguments.append(f"ge={shape.get('min', -largest)}")
        arguments.append(f"le={shape.get('max', largest - 1)}")
    elif kind in ("string", "blob", "list", "map"):
        if shape.get("min", 0) > 0:
            arguments.append(f"min_length={shape['min']}")
        if "max" in shape:
            arguments.append(f"max_length={shape['max']}")
    if "pattern" in shape:
        arguments.append(f"pattern={python_pattern(shape['pattern'])!r}")
        arguments.append(f"extra={{'pattern': {shape['pattern']!r}}}")  # for messages
    return f"Meta({', '.join(arguments)})" if arguments else ""


class Generator:
    """Writes the module of one service."""

    def __init__(self, source: Source) -> None:
        self.source = source
        model = load_model(source)
        self.metadata: dict[str, Any] = model["metadata"]
        self.shapes: Shapes = model["shapes"]
        for name in source.own_limits:
            self.shapes[name] = {"type": self.shapes[name]["type"]}
        self.operations: dict[str, Any] = {
            name: operation
            for name, operation in sorted(model["operations"].items())
            if not source.only or name in source.only
        }
        self.used = self._reachable()
        self._refuse_other_names()
        self.errors = sorted(
            {
                error["shape"]
                for entry in self.operations.values()
                for error in entry.get("errors", ())
            }
        )
        self._refuse_clashes()

    def _reachable(self) -> list[str]:
        """Every shape that a request or an answer can contain."""
        waiting = [
            entry[side]["shape"]
            for entry in self.operations.values()
            for side in ("input", "output")
            if side in entry
        ]
        found: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(reference["shape"] for reference in references(self.shapes[name]))
        return sorted(found)

    def _refuse_clashes(self) -> None:
        names = [*self.used, *self.errors, *self.operations]
        if clashes := {name for name in names if name in TAKEN or names.count(name) > 1}:
            raise SystemExit(f"{self.source.name}: names used twice: {', '.join(sorted(clashes))}")

    def _refuse_other_names(self) -> None:
        """EC2's forms and XML follow rules (`wire.query.ec2`); an exception to them is not known.

        A parameter has the capitalised `locationName`; the elements of a list in XML are `item`.
        """
        if self.metadata["protocol"] != "ec2":
            return
        for name in self.used:
            shape = self.shapes[name]
            for member, reference in shape.get("members", {}).items():
                spelled = reference.get("locationName", member)
                spelled = spelled[:1].upper() + spelled[1:]
                if reference.get("queryName", spelled) != spelled:
                    raise SystemExit(f"{name}.{member}: its queryName is not known here")
            if shape["type"] == "map" or shape.get("flattened"):
                raise SystemExit(f"{name}: only lists of items are known here")

    # Types

    def type_of(self, name: str) -> str:
        """How a shape is named in an annotation: its alias, its class, or the plain type."""
        shape = self.shapes[name]
        if shape["type"] in ("structure", "list", "map") or self._scalar(name) is not None:
            return name
        return SCALARS[shape["type"]]

    def _scalar(self, name: str) -> str | None:
        """The right side of a scalar's alias; None when it is a plain type."""
        shape = self.shapes[name]
        if shape["type"] in ("structure", "list", "map"):
            return None
        if "enum" in shape:
            return f"Literal[{quoted(*shape['enum'])}]"
        meta = constraints(shape)
        return f"Annotated[{SCALARS[shape['type']]}, {meta}]" if meta else None

    def _container(self, name: str) -> str:
        """The right side of a list's or map's alias."""
        shape = self.shapes[name]
        if shape["type"] == "list":
            plain = f"list[{self.type_of(shape['member']['shape'])}]"
        else:
            key, value = (self.type_of(shape[part]["shape"]) for part in ("key", "value"))
            plain = f"dict[{key}, {value}]"
        meta = constraints(shape)
        return f"Annotated[{plain}, {meta}]" if meta else plain

    def _containers(self) -> list[str]:
        """Lists and maps, each after the ones it contains."""
        ordered: list[str] = []

        def visit(name: str) -> None:
            if self.shapes[name]["type"] in ("list", "map") and name not in ordered:
                for reference in references(self.shapes[name]):
                    visit(reference["shape"])
                ordered.append(name)

        for name in self.used:
            visit(name)
        return ordered

    def _is_sensitive(self, member: str, reference: dict[str, Any]) -> bool:
        return (
            member in SENSITIVE_MEMBERS.get(self.source.name, ())
            or bool(reference.get("sensitive"))
            or bool(self.shapes[reference["shape"]].get("sensitive"))
        )

    def _sensitive_below(self, name: str, seen: frozenset[str] = frozenset()) -> set[str]:
        """The attributes below a shape that are never shown, at any depth."""
        shape = self.shapes[name]
        found = {
            snake(member)
            for member, reference in shape.get("members", {}).items()
            if self._is_sensitive(member, reference)
        }
        for reference in references(shape):
            if reference["shape"] not in seen | {name}:
                found |= self._sensitive_below(reference["shape"], seen | {name})
        return found

    def structure(self, name: str) -> list[str]:
        """The class of a structure."""
        shape = self.shapes[name]
        lines = [f"class {name}({BASE}):"]
        hidden = sorted(
            snake(member)
            for member, reference in shape["members"].items()
            if self._is_sensitive(member, reference)
        )
        if hidden:
            lines.append(f"    SENSITIVE = frozenset({{{quoted(*hidden)}}})")
        required = shape.get("required", ())
        for member, reference in shape["members"].items():
            lines.append(self._member(member, reference, required=member in required))
        return lines if len(lines) > 1 else [f"{lines[0]} ..."]

    def _member(self, member: str, reference: dict[str, Any], *, required: bool) -> str:
        attribute = snake(member)
        wire_name = reference.get("locationName", member)
        annotation = self.type_of(reference["shape"])
        renamed = f"name={wire_name!r}" if pascal(attribute) != wire_name else ""
        if required:
            return f"    {attribute}: {annotation}" + (f" = field({renamed})" if renamed else "")
        default = f"field(default=None, {renamed})" if renamed else "None"
        return f"    {attribute}: {annotation} | None = {default}"

    # Errors and operations

    def error(self, name: str) -> list[str]:
        """The class of an error. JSON services name it by its shape, Query services by its code."""
        shape = self.shapes[name]
        given = shape.get("error", {})
        lines = [f"class {name}(AwsError):", f'    code = "{name}"']
        status = given.get("httpStatusCode", 500 if shape.get("fault") else 400)
        if self.metadata["protocol"] == "rest-json" and status != 400:
            lines.append(f"    status = {status}")
        elif status >= 500:
            lines.append("    status = 500")
        if self.metadata["protocol"] == "json" and "Message" in shape.get("members", ()):
            lines.append('    message_member = "Message"')
        if self.metadata["protocol"] == "query":
            if given.get("code", name) != name:
                lines.append(f'    query_code = "{given["code"]}"')
            if status != 400:
                lines.append(f"    query_status = {status}")
        return lines

    def input_of(self, operation: str) -> str:
        """The input's class; an operation whose model has none gets an empty one."""
        given = self.operations[operation].get("input")
        return given["shape"] if given else f"{operation}Request"

    def operation(self, name: str) -> list[str]:
        """The Operation value."""
        entry = self.operations[name]
        given, output = self.input_of(name), entry.get("output", {})
        answer = output.get("shape")
        reads = READ_ONLY.get(self.source.name, READ_ONLY_ELSEWHERE).fullmatch(name)
        errors = [error["shape"] for error in entry.get("errors", ())]
        shapes = [entry[side]["shape"] for side in ("input", "output") if side in entry]
        hidden = sorted(set().union(*map(self._sensitive_below, shapes)))
        arguments = {
            "service": "SERVICE",
            "name": json.dumps(name),
            "input": given,
            "output": answer or "NoneType",
            "signed": "False" if (self.source.name, name) in UNSIGNED else "",
            "read_only": "True" if reads else "",
            "errors": f"({', '.join(errors)},)" if errors else "",
            "result_wrapper": quoted(output.get("resultWrapper")),
            **self._http(name),
            "sensitive": f"frozenset({{{quoted(*hidden)}}})" if hidden else "",
        }
        return called(f"{name}: Operation[{given}, {answer}] = Operation", arguments)

    def _http(self, name: str) -> dict[str, str]:
        """Where a REST operation is, and which members of its input stand in the query string."""
        if self.metadata["protocol"] != "rest-json":
            return {}
        entry = self.operations[name]
        members = self.shapes[self.input_of(name)]["members"].items()
        places = {member: reference.get("location", "") for member, reference in members}
        if set(places.values()) - {"", "querystring", "uri"}:
            raise SystemExit(f"{name}: only a body, a path and a query string are known here")
        kinds = {self.shapes[given["shape"]]["type"] for m, given in members if places[m]}
        if kinds - {"string", "integer", "list"}:
            raise SystemExit(f"{name}: only texts and integers are read from a query string")
        in_query = sorted(member for member, place in places.items() if place == "querystring")
        in_path = sorted(member for member, place in places.items() if place == "uri")
        either = sorted(member for member, given in members if given.get("alsoInBody"))
        success = entry["http"].get("responseCode", 200)
        return {
            "method": quoted(entry["http"]["method"]),
            "path": quoted(entry["http"]["requestUri"]),
            "success": str(success) if success != 200 else "",
            "in_query": names_of(in_query),
            "in_path": names_of(in_path),
            "in_either": names_of(either),
        }

    def _iso_times(self) -> bool:
        """Are the timestamps of this JSON texts?  All or none of them."""
        times = [s for n in self.used if (s := self.shapes[n])["type"] == "timestamp"]
        formats = {shape.get("timestampFormat", "") for shape in times}
        if self.metadata["protocol"] != "rest-json" or "iso8601" not in formats:
            return False
        if len(formats) > 1:
            raise SystemExit(f"{self.source.name}: timestamps of two formats")
        return True

    def service(self) -> list[str]:
        """The Service value."""
        model, source = self.metadata, self.source
        amazon = f"{model['endpointPrefix']}.amazonaws.com"
        arguments = {
            "name": quoted(source.signing_name or source.name),
            "protocol": quoted(model["protocol"]),
            "version": quoted(model["apiVersion"]),
            "target_prefix": quoted(model.get("targetPrefix")),
            "xml_namespace": quoted(model.get("xmlNamespace")),
            "event_source": quoted(source.name if source.ours else amazon),
            "clock_skew_seconds": str(source.clock_skew_seconds),
            "is_global": str(source.is_global),
            "echoes_values": str(source.echoes_values),
            "gives_reasons": "True" if source.gives_reasons else "",
            "iso_times": "True" if self._iso_times() else "",
        }
        return called("SERVICE = Service", arguments)

    def module(self) -> str:
        """The text of the module."""
        structures = [name for name in self.used if self.shapes[name]["type"] == "structure"]
        made_up = [
            self.input_of(name) for name in self.operations if "input" not in self.operations[name]
        ]
        blocks = [
            [f"{name} = {right}" for name in self.used if (right := self._scalar(name))],
            *(self.structure(name) for name in structures),
            *([f"class {name}({BASE}): ..."] for name in made_up),
            [f"{name} = {self._container(name)}" for name in self._containers()],
            *(self.error(name) for name in self.errors),
            self.service(),
            *(self.operation(name) for name in self.operations),
            [
                "OPERATIONS: dict[str, Operation[Any, Any]] = {",
                *(f'    "{name}": {name},' for name in self.operations),
                "}",
            ],
        ]
        body = "\n\n\n".join("\n".join(block) for block in blocks if block) + "\n"
        return self._header(body) + body

    def _header(self, body: str) -> str:
        """The docstring and the imports that this module needs."""
        model = "docs/models"
        if not self.source.ours:
            [package] = distributions(name="botocore", path=[str(INSTALLED)])
            model = f"botocore {package.version} (Apache License 2.0)"
        typing = ["Any", *(name for name in ("Annotated", "Literal") if f"{name}[" in body)]
        msgspec = [name for name in ("Meta", "field") if f"{name}(" in body]
        lines = [
            f'"""{self.metadata["serviceFullName"]}: shapes, errors and operations.',
            "",
            "Generated by scripts/generate_models.py, do not edit. From the service model of",
            f"{model}, API version {self.metadata['apiVersion']}.",
            '"""',
            "",
            "from __future__ import annotations",
            "",
            "from datetime import datetime" if re.search(r"\bdatetime\b", body) else "",
            "from types import NoneType" if "NoneType" in body else "",
            f"from typing import {', '.join(sorted(typing))}",
            f"\nfrom msgspec import {', '.join(msgspec)}" if msgspec else "",
            "",
            "from keystead.errors import AwsError",
            "from keystead.wire.operation import Operation, Service",
            "from keystead.wire.shape import Shape",
        ]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n\n\n"


def quoted(*texts: str | None) -> str:
    """The texts as Python writes them, separated by commas; nothing for what is None."""
    return ", ".join(json.dumps(text) for text in texts if text is not None)


def names_of(members: list[str]) -> str:
    """The set of these names; "" for none."""
    return f"frozenset({{{quoted(*members)}}})" if members else ""


def called(function: str, arguments: dict[str, str]) -> list[str]:
    """A call, one argument a line, without those that are empty."""
    given = (f"    {name}={value}," for name, value in arguments.items() if value)
    return [f"{function}(", *given, ")"]


def references(shape: dict[str, Any]) -> list[dict[str, Any]]:
    """The shapes that a shape is made of."""
    parts = [shape[part] for part in ("member", "key", "value") if part in shape]
    return [*parts, *shape.get("members", {}).values()]


def load_model(source: Source) -> dict[str, Any]:
    """The newest model of a service in that botocore, or our own."""
    for folder in (OUR_MODELS / source.name, OWN_DATA / source.name):
        if folder.exists():
            [only] = folder.iterdir()
            own: dict[str, Any] = json.loads((only / "service-2.json").read_bytes())
            return own
    newest = max((BOTOCORE_DATA / source.name).iterdir(), key=lambda folder: folder.name)
    model: dict[str, Any] = json.loads(gzip.decompress((newest / "service-2.json.gz").read_bytes()))
    if source.more:
        [only] = (OUR_MODELS / source.more).iterdir()
        more = json.loads((only / "service-2.json").read_bytes())
        for part in ("operations", "shapes"):
            if clashes := model[part].keys() & more[part].keys():
                raise SystemExit(f"{source.more}: {', '.join(clashes)} is in AWS's model")
            model[part] |= more[part]
    return model


def generate() -> dict[Path, str]:
    """Every module and its text."""
    package = '"""The services\' models: generated by scripts/generate_models.py, do not edit."""\n'
    modules = {MODELS / "__init__.py": package}
    for source in SERVICES:
        module = source.name.replace("-", "_")
        modules[MODELS / f"{module}.py"] = Generator(source).module()
    return modules


def first_differences(committed: str, generated: str) -> str:
    """The start of a unified diff."""
    before, after = committed.splitlines(), generated.splitlines()
    lines = difflib.unified_diff(before, after, "committed", "generated", lineterm="", n=1)
    return "\n".join(islice(lines, 20))


def check(modules: dict[Path, str]) -> int:
    """Compare with the committed files; 1 and a message on stderr when they differ."""
    stale = {path for path in MODELS.glob("*.py") if path not in modules}
    for path, text in modules.items():
        committed = path.read_text(encoding="utf-8") if path.exists() else ""
        if committed != text:
            stale.add(path)
            print(first_differences(committed, text), file=sys.stderr)
    if not stale:
        return 0
    names = ", ".join(sorted(f"`{path.name}`" for path in stale))
    print(f"keystead: error: generated models are out of date: {names}", file=sys.stderr)
    print("keystead: hint: run `make models` and commit the result", file=sys.stderr)
    return 1


def main(arguments: list[str]) -> int:
    """Write the modules, or with --check only compare them."""
    if arguments not in ([], ["--check"]):
        print("usage: generate_models.py [--check]", file=sys.stderr)
        return 2
    modules = generate()
    if arguments:
        return check(modules)
    MODELS.mkdir(parents=True, exist_ok=True)
    for path, text in modules.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
