"""What does an encrypted assertion say?  (XML Encryption 1.1; SAML 2.0 Core 2.3.4)

    EncryptedAssertion
        EncryptedData
            EncryptionMethod            AES in GCM, or in CBC
            KeyInfo
                EncryptedKey            RSA-OAEP; here, or beside EncryptedData
            CipherData / CipherValue

Nobody but the provider may try out ciphertexts. AES in CBC tells by its padding whether a guess is
right (Jager and Somorovsky, 2011), so it is only decrypted inside of a response that is signed. GCM
refuses what was changed. Key transport in the way of PKCS #1 v1.5 is never accepted, because it
tells as much (Bleichenbacher, 1998).
"""

import binascii
import re
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keystead.identity.federation.saml.names import DS, XENC, XENC11
from keystead.identity.federation.saml.responses import ENCRYPTED_DATA, Unproven, read_assertion
from keystead.strictxml import Element

_GCM = {
    "http://www.w3.org/2009/xmlenc11#aes128-gcm": 16,
    "http://www.w3.org/2009/xmlenc11#aes192-gcm": 24,
    "http://www.w3.org/2009/xmlenc11#aes256-gcm": 32,
}
_CBC = {
    "http://www.w3.org/2001/04/xmlenc#aes128-cbc": 16,
    "http://www.w3.org/2001/04/xmlenc#aes192-cbc": 24,
    "http://www.w3.org/2001/04/xmlenc#aes256-cbc": 32,
}
"""Algorithms of content, with the bytes of their keys."""

_OAEP = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
_OAEP_11 = "http://www.w3.org/2009/xmlenc11#rsa-oaep"
_HASHES: dict[str | None, hashes.HashAlgorithm] = {
    None: hashes.SHA1(),  # noqa: S303  # OAEP does not rest on collisions
    "http://www.w3.org/2000/09/xmldsig#sha1": hashes.SHA1(),  # noqa: S303  # as above
    "http://www.w3.org/2001/04/xmlenc#sha256": hashes.SHA256(),
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashes.SHA384(),
    "http://www.w3.org/2001/04/xmlenc#sha512": hashes.SHA512(),
}
_MASKS: dict[str | None, hashes.HashAlgorithm] = {
    None: hashes.SHA1(),  # noqa: S303  # as above
    "http://www.w3.org/2009/xmlenc11#mgf1sha1": hashes.SHA1(),  # noqa: S303  # as above
    "http://www.w3.org/2009/xmlenc11#mgf1sha256": hashes.SHA256(),
    "http://www.w3.org/2009/xmlenc11#mgf1sha384": hashes.SHA384(),
    "http://www.w3.org/2009/xmlenc11#mgf1sha512": hashes.SHA512(),
}
_SPACE = re.compile(r"[ \t\r\n]+")
_STEP = 4


def decrypted(encrypted: Element, private_keys: Sequence[bytes], *, in_signed: bool) -> Element:
    """The assertion, decrypted with one of these keys (PKCS #8, DER); raises Unproven."""
    if not private_keys:
        raise Unproven(_STEP, "the provider has no private key to decrypt with")
    data = _only(encrypted, ENCRYPTED_DATA)
    method = _algorithm(data)
    size = _GCM.get(method) or _CBC.get(method)
    if size is None:
        raise Unproven(_STEP, "the assertion is encrypted with an algorithm that is not accepted")
    if method in _CBC and not in_signed:
        raise Unproven(_STEP, "AES in CBC is accepted inside of a signed response only")
    content = _cipher_value(data)
    key = _content_key(encrypted, private_keys, size)
    opened = _gcm(key, content) if method in _GCM else _cbc(key, content)
    if opened is None:
        raise Unproven(_STEP, "the assertion cannot be decrypted")
    try:
        return read_assertion(opened.decode())
    except UnicodeDecodeError:
        raise Unproven(_STEP, "what was encrypted is not UTF-8") from None


def _content_key(encrypted: Element, private_keys: Sequence[bytes], size: int) -> bytes:
    wrapped = [each for each in encrypted.iter() if each.tag == f"{XENC}EncryptedKey"]
    if len(wrapped) != 1:
        raise Unproven(_STEP, "the assertion has not exactly one encrypted key")
    scheme, ciphertext = _scheme(wrapped[0]), _cipher_value(wrapped[0])
    for der in private_keys:
        private: Any = serialization.load_der_private_key(
            der, None, unsafe_skip_rsa_key_validation=True  # it was checked when it came
        )  # fmt: skip
        if isinstance(private, rsa.RSAPrivateKey):
            try:
                key = private.decrypt(ciphertext, scheme)
            except ValueError:
                continue
            if len(key) == size:
                return key
    raise Unproven(_STEP, "no private key of the provider decrypts the assertion")


def _scheme(wrapped: Element) -> OAEP:
    method = _only(wrapped, f"{XENC}EncryptionMethod")
    algorithm = method.get("Algorithm")
    told = {child.tag: child.get("Algorithm") for child in method.iterchildren()}
    digest = told.pop(f"{DS}DigestMethod", None)
    mask = told.pop(f"{XENC11}MGF", None) if algorithm == _OAEP_11 else None
    if algorithm not in {_OAEP, _OAEP_11} or told or digest not in _HASHES or mask not in _MASKS:
        raise Unproven(_STEP, "the key is encrypted in a way that is not accepted")
    return OAEP(MGF1(_MASKS[mask]), _HASHES[digest], None)


def _algorithm(element: Element) -> str:
    method = _only(element, f"{XENC}EncryptionMethod")
    return method.get("Algorithm") or ""


def _cipher_value(element: Element) -> bytes:
    value = _only(_only(element, f"{XENC}CipherData"), f"{XENC}CipherValue")
    try:
        return binascii.a2b_base64(_SPACE.sub("", value.text or ""), strict_mode=True)
    except ValueError:
        raise Unproven(_STEP, "a CipherValue is not in base64") from None


def _only(parent: Element, tag: str) -> Element:
    children = list(parent.iterchildren(tag))
    if len(children) != 1:
        raise Unproven(_STEP, f"the encryption has not exactly one {tag.partition('}')[2]}")
    return children[0]


def _gcm(key: bytes, content: bytes) -> bytes | None:
    """XML Encryption 1.1, 5.2.4: a nonce of 96 bits, the ciphertext, a tag of 128 bits."""
    if len(content) < 12 + 16:
        return None
    try:
        return AESGCM(key).decrypt(content[:12], content[12:], None)
    except InvalidTag:
        return None


def _cbc(key: bytes, content: bytes) -> bytes | None:
    """XML Encryption 1.1, 5.2: an IV of a block, and padding whose last byte is its length."""
    if len(content) < 32 or len(content) % 16:
        return None
    decryptor = Cipher(algorithms.AES(key), modes.CBC(content[:16])).decryptor()
    padded = decryptor.update(content[16:]) + decryptor.finalize()
    count = padded[-1]
    return padded[:-count] if 0 < count <= 16 else None
