"""Passwords: hashed with argon2, and never compared in a way that tells whether a name is known."""

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cases.errors import BadForm

SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 1024
CHECKED_AT_ONCE: Final = 2
"""Each check takes 64 MiB."""
HASHER: Final = PasswordHasher()


def hashed(password: str) -> str:
    """Return the hash of a new password; raises BadForm if it is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadForm(
            f"密码至少 {SHORTEST_PASSWORD} 个字符 / a password of at least {SHORTEST_PASSWORD} characters is expected"
        )
    return HASHER.hash(password)


class PasswordCheck:
    """Checks passwords, a few at a time and outside the loop."""

    def __init__(self) -> None:
        """Make the hash that an unknown name is compared with."""
        self._nobody = HASHER.hash("nobody has this password")
        self._turn = asyncio.Semaphore(CHECKED_AT_ONCE)

    async def is_right(self, password: str, known: str | None) -> bool:
        """Return whether a password is that of a hash; None, the hash of a name that is unknown, takes as long."""
        async with self._turn:
            return await asyncio.to_thread(_matches, password[:LONGEST_PASSWORD], known or self._nobody) and bool(known)


def _matches(password: str, known: str) -> bool:
    try:
        return HASHER.verify(known, password)
    except (VerificationError, InvalidHashError):
        return False
