"""What does a certificate say of its bearer?  By the names that tags of a session have.

    x509Subject/CN, x509Issuer/O     attributes of names
    x509SAN/DNS, x509SAN/URI         the first alternative name of the kind
    x509SAN/Name/CN                  attributes of the first alternative name that is a name

A name may have several attributes of one kind. Their values are one text then, with `/` between
them. So no value of them may have a `/`: two certificates with other attributes would be one.
"""

from collections.abc import Iterator, Mapping

from cryptography import x509
from cryptography.x509.oid import NameOID

from keystead.identity.anywhere.certificates import parsing

_ATTRIBUTES: Mapping[x509.ObjectIdentifier, str] = {
    NameOID.COMMON_NAME: "CN",
    NameOID.COUNTRY_NAME: "C",
    NameOID.DOMAIN_COMPONENT: "DC",
    NameOID.EMAIL_ADDRESS: "E",
    NameOID.GIVEN_NAME: "GN",
    NameOID.LOCALITY_NAME: "L",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.SERIAL_NUMBER: "SERIALNUMBER",
    NameOID.SURNAME: "SN",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.STREET_ADDRESS: "STREET",
    NameOID.TITLE: "T",
    NameOID.USER_ID: "UID",
}


def common_name(certificate: x509.Certificate) -> str:
    """The common name of the subject; "" without one."""
    return dict(_of_name("", certificate.subject)).get("CN", "")


def of(certificate: x509.Certificate) -> dict[str, str]:
    """Every fact; raises Unfit where two certificates would have the same."""
    found = dict(_of_name("x509Subject/", certificate.subject))
    found |= _of_name("x509Issuer/", certificate.issuer)
    names = parsing.extension(certificate, x509.SubjectAlternativeName)
    if not isinstance(names, x509.SubjectAlternativeName):
        return found
    for kind, label in ((x509.DNSName, "DNS"), (x509.UniformResourceIdentifier, "URI")):
        for value in names.get_values_for_type(kind)[:1]:
            found[f"x509SAN/{label}"] = str(value)
    for name in names.get_values_for_type(x509.DirectoryName)[:1]:
        found |= _of_name("x509SAN/Name/", name)
    return found


def _of_name(prefix: str, name: x509.Name) -> Iterator[tuple[str, str]]:
    """The attributes of a name that have a short name."""
    values: dict[str, list[str]] = {}
    for attribute in name:
        label = _ATTRIBUTES.get(attribute.oid)
        if label is not None:
            values.setdefault(label, []).append(str(attribute.value))
    for label, texts in values.items():
        if len(texts) > 1 and any("/" in text for text in texts):
            raise parsing.Unfit(f"step 5: several {label} of a name, and one with a `/`")
        yield f"{prefix}{label}", "/".join(texts)
