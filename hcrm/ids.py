"""Tokens for what a patient sees, and blocks of ids for bulk loading."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")

TOKEN_LENGTH = 12


def patient_token(secret: str, purpose: str, subject_id: int, generation: int = 0) -> str:
    """The 12-character token (72 bits) that stands for one subject in a link to a patient.

    It is computed from the secret key, so that the database needs to keep its hash only.
    """
    message = f"{purpose}:{subject_id}:{generation}".encode()
    digest = hmac.new(secret.encode(), message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:9]).decode()


def token_hash(token: str) -> str:
    """SHA-256 of a token in hex: what the database keeps and looks up."""
    return hashlib.sha256(token.encode()).hexdigest()


def stable_share(*parts: object) -> float:
    """A number in [0, 1) that depends on ``parts`` alone: sampling that can be explained and repeated."""
    digest = hashlib.sha256(":".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Split ``items`` into parts of at most ``size`` items."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
