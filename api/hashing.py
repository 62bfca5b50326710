"""What is stored of a secret, and how a time is written beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256


def hashed(token: str) -> str:
    """Return what is stored of a random secret: it has so many bits that nobody tries them all."""
    return sha256(token.encode()).hexdigest()


def stamp(at: datetime) -> str:
    """Return a UTC time whose text order is its time order."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
