"""Ed25519 keys as text, and signatures by them.

A public key is ``ed25519:`` and the base64 of its 32 bytes, or a PEM file as openssl writes it. A private key is a PEM
file. Reading keys takes no library; signing and verifying take ``cryptography``, imported when needed.
"""

import base64
import binascii

PREFIX = "ed25519:"
LARGEST = 4096  # bytes of a file with a key
# What comes before the 32 bytes of a key in DER: SubjectPublicKeyInfo, and PKCS #8.
PUBLIC_DER = bytes.fromhex("302a300506032b6570032100")
PRIVATE_DER = bytes.fromhex("302e020100300506032b657004220420")
PEM = "-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n"
PUBLIC_KIND, PRIVATE_KIND = "PUBLIC KEY", "PRIVATE KEY"


class KeyTextError(ValueError):
    """A text is no key; the message never contains any of it."""


def public_key(text: str) -> str:
    """The key ``ed25519:...`` in a text of either form. Raises KeyTextError."""
    text = text.strip()
    if text.startswith(PREFIX) and "\n" not in text:
        _decoded(text.removeprefix(PREFIX), 32)
        return text
    if f"BEGIN {PRIVATE_KIND}" in text:
        raise KeyTextError("it is a private key, which must stay with its owner")
    return PREFIX + base64.b64encode(_of_pem(text, PUBLIC_KIND, PUBLIC_DER)).decode()


def private_seed(text: str) -> bytes:
    """The 32 bytes of the private key in a PEM text. Raises KeyTextError."""
    return _of_pem(text.strip(), PRIVATE_KIND, PRIVATE_DER)


def generated() -> tuple[str, str]:
    """A new private key as PEM, and its public key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    seed = Ed25519PrivateKey.generate().private_bytes_raw()
    body = base64.b64encode(PRIVATE_DER + seed).decode()
    return PEM.format(kind=PRIVATE_KIND, body=body), public_of(seed)


def public_of(seed: bytes) -> str:
    """The public key of a private one."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return (
        PREFIX + base64.b64encode(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()).decode()
    )


def sign(seed: bytes, purpose: str, content: bytes) -> str:
    """The signature of a content as base64. It is valid for this ``purpose`` alone."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(seed).sign(_message(purpose, content))).decode()


def is_signed(key: str, purpose: str, content: bytes, signature: str) -> bool:
    """Whether a signature is that of a public key for this content and purpose."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        raw = _decoded(public_key(key).removeprefix(PREFIX), 32)
        Ed25519PublicKey.from_public_bytes(raw).verify(_decoded(signature, 64), _message(purpose, content))
    except (KeyTextError, InvalidSignature):
        return False
    return True


def _message(purpose: str, content: bytes) -> bytes:
    return f"mlspec {purpose}\0".encode() + content


def _of_pem(text: str, kind: str, start: bytes) -> bytes:
    first, *lines, last = text.splitlines() if text.count("\n") >= 2 else ("", "")
    if first != f"-----BEGIN {kind}-----" or last != f"-----END {kind}-----":
        raise KeyTextError(f"it is no Ed25519 {kind.lower()}")
    der = _decoded("".join(lines), len(start) + 32)
    if not der.startswith(start):
        raise KeyTextError(f"it is no Ed25519 {kind.lower()}")
    return der[len(start) :]


def _decoded(text: str, size: int) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise KeyTextError("it is no base64 text") from None
    if len(found) != size or base64.b64encode(found).decode() != text:
        raise KeyTextError("it is no Ed25519 key")
    return found
