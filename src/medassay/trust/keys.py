"""The keys of a workspace (pseudonym, label, signing): outside store and tree, for their owner alone."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medassay.core.atomic import write_atomic
from medassay.core.canonical import canonical_json
from medassay.core.errors import EnvironmentLacking, WrongUse

SECRETS = ("pseudonym", "label", "signing")


@dataclass(frozen=True)
class KeyRing:
    """Three secrets of 32 bytes. `repr` shows none of them."""

    demo: bool
    pseudonym: bytes
    label: bytes
    signing: bytes

    def __repr__(self) -> str:
        return f"KeyRing(demo={self.demo})"

    @classmethod
    def create(cls, path: Path, *, demo: bool = False) -> KeyRing:
        """Make and save new keys (mode 0600); an existing file is never overwritten.

        Demo keys are the same everywhere, so that a demonstration gives everybody the same figures; what they
        protect is open to all. Losing keys makes every sealed label unreadable, so replacing them is refused.
        """
        if path.exists():
            raise WrongUse(
                found="keys that exist already",
                wanted="a new place",
                remedy="Use them as they are, or name another folder with MEDASSAY_KEYS.",
                where=str(path),
            )
        ring = cls(demo, *((_known_to_all(name) if demo else secrets.token_bytes(32)) for name in SECRETS))
        fields = {
            "demo": demo,
            "pseudonym": ring.pseudonym.hex(),
            "label": ring.label.hex(),
            "signing": ring.signing.hex(),
        }
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(path, canonical_json(fields), mode=0o600)
        return ring

    @classmethod
    def load(cls, path: Path) -> KeyRing:
        """Read keys back.

        Raises
        ------
        EnvironmentLacking
            When there are none, others may read them, or they are damaged.
        """
        if not path.exists():
            raise _lacking(path, "no keys", "Make them with `medassay init`, or set MEDASSAY_KEYS.")
        if path.stat().st_mode & 0o077:
            raise _lacking(path, "keys that others may read", f"Run: chmod 600 {path}")
        try:
            fields = json.loads(path.read_bytes())
            secret = [bytes.fromhex(fields[name]) for name in SECRETS]
            demo = fields["demo"]
        except (ValueError, KeyError, TypeError) as error:
            raise _lacking(path, "a damaged key file", "Restore it from its backup.") from error
        if not isinstance(demo, bool) or any(len(part) != 32 for part in secret):
            raise _lacking(path, "a damaged key file", "Restore it from its backup.")
        return cls(demo, *secret)

    def require_for(self, source_class: str) -> None:
        """Demo keys may be known to anyone: they never protect a hospital's data."""
        if self.demo and source_class == "real":
            raise EnvironmentLacking(
                found="demo keys",
                wanted="keys of this institution for a hospital source",
                remedy="Make them with `medassay init` in a folder named by MEDASSAY_KEYS.",
            )

    @property
    def signing_key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.signing)


def _known_to_all(name: str) -> bytes:
    return hashlib.sha256(f"medassay demonstration key, known to everybody: {name}".encode()).digest()


def _lacking(path: Path, found: str, remedy: str) -> EnvironmentLacking:
    return EnvironmentLacking(found=found, wanted="a key file of mode 0600", remedy=remedy, where=str(path))
