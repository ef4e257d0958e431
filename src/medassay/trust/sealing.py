"""Sealed labels: deterministic authenticated encryption (AES-SIV, RFC 5297).

The same label of the same sample gives the same bytes, so a rerun ends in the same digests; equal labels of
two samples do not, so a digest in a public manifest cannot be guessed from a one-digit label.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from medassay.core.errors import EvidenceBroken

KEY_BYTES = 64  # AES-SIV with two 256-bit halves


def sample_key(label_key: bytes, sample: str) -> bytes:
    """The key of one sample's labels (HKDF-SHA-256): releasing it opens no other sample."""
    info = b"medassay.label/1|" + sample.encode("utf-8")
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=info).derive(label_key)


def seal(content: bytes, *, key: bytes, sample: str, role: str) -> bytes:
    """Encrypt a label under its sample's key, bound to sample and role.

    A leading byte keeps an empty label (a recording without events) sealable.
    """
    return AESSIV(key).encrypt(b"\x01" + content, _bound_to(sample, role))


def unseal(sealed: bytes, *, key: bytes, sample: str, role: str) -> bytes:
    """Decrypt; a byte changed, or a label moved to another sample or role, is refused."""
    try:
        return AESSIV(key).decrypt(sealed, _bound_to(sample, role))[1:]
    except InvalidTag as error:
        raise EvidenceBroken(
            found="a sealed label that does not open",
            wanted="the label that was sealed for this sample and role",
            remedy="The key is another one, or the label was altered or swapped; restore it from a copy.",
            where=f"sample {sample}, role {role}",
        ) from error


def _bound_to(sample: str, role: str) -> list[bytes]:
    return [sample.encode("utf-8"), role.encode("utf-8")]
