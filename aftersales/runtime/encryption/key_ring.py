"""The keys that encrypt what Temporal stores: one YAML file, by key id, of which one encrypts and all decrypt."""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import AfterValidator, Field, SecretStr, model_validator

from aftersales.runtime.secret_files import Secret, duplicate, read_secret_file
from aftersales.runtime.watched_file import WatchedFile
from cases.errors import CaseError
from cases.models import Id, Strict

AES_KEY_BYTES: Final = 32
SHORTEST_TOKEN: Final = 16


class KeyMissing(CaseError):
    """Data encrypted with a key that the file of keys does not have: it waits for a process that has it."""


def _a_key(key: SecretStr) -> SecretStr:
    try:
        length = len(base64.b64decode(key.get_secret_value(), validate=True))
    except (binascii.Error, ValueError):
        length = 0
    if length != AES_KEY_BYTES:
        raise ValueError(f"须为 {AES_KEY_BYTES} 字节的 base64 / expected {AES_KEY_BYTES} bytes in base64")
    return key


def _hard_to_guess(token: SecretStr) -> SecretStr:
    if len(token.get_secret_value()) < SHORTEST_TOKEN:
        raise ValueError(f"至少 {SHORTEST_TOKEN} 个字符 / at least {SHORTEST_TOKEN} characters")
    return token


EncryptionKey = Annotated[Secret, AfterValidator(_a_key)]
CodecToken = Annotated[Secret, AfterValidator(_hard_to_guess)]


class KeyFile(Strict):
    """The file: keys by id; ``encrypt_with`` names the one that encrypts, by default the first.

    ``readers`` are those who may use the codec server, by name, each with a token.
    """

    keys: Annotated[dict[Id, EncryptionKey], Field(min_length=1)]
    encrypt_with: Id | None = None
    readers: dict[Id, CodecToken] = {}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.encrypt_with is not None and self.encrypt_with not in self.keys:
            raise ValueError(f"encrypt_with: 没有这个密钥 / no such key: {self.encrypt_with}")
        if duplicate([key.get_secret_value() for key in self.keys.values()]):
            raise ValueError("keys: 两个 id 的密钥相同 / the same key under two ids")
        return self


@dataclass(frozen=True)
class Cipher:
    """One key, ready for use."""

    key_id: str
    mark: str
    aead: AESGCM


@dataclass(frozen=True)
class Ciphers:
    """All keys of a file, ready for use."""

    current: Cipher
    by_mark: Mapping[tuple[str, str], Cipher]
    readers: Mapping[str, SecretStr]


class KeyRing:
    """The keys of a file, which may change at any time."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises BadForm that names file and field, or if others than its owner may read it."""
        self._path = path
        self._file = WatchedFile(path, lambda read: ciphers(read_keys(read)))

    @property
    def current(self) -> Cipher:
        """The key that encrypts."""
        return self._file.content.current

    @property
    def readers(self) -> Mapping[str, SecretStr]:
        """The tokens of those who may use the codec server, by name."""
        return self._file.content.readers

    def cipher(self, key_id: str, mark: str) -> Cipher:
        """Return the key that has encrypted something; raises KeyMissing.

        The ``mark`` follows from the key itself: another key under the same id is not mistaken for it.
        """
        known = self._file.content.by_mark.get((key_id, mark))
        if known is None:
            raise KeyMissing(f"{self._path}: 缺少密钥 / the key is missing: {key_id[:64]!r} ({mark[:16]!r})")
        return known


def read_keys(path: Path) -> KeyFile:
    """Read the file; raises BadForm that names file and field, or if others than its owner may read it."""
    return read_secret_file(KeyFile, path)


def ciphers(file: KeyFile) -> Ciphers:
    """Make the keys of a file ready for use."""
    made = {key_id: _cipher(key_id, key) for key_id, key in file.keys.items()}
    current = made[file.encrypt_with or next(iter(made))]
    return Ciphers(current, {(cipher.key_id, cipher.mark): cipher for cipher in made.values()}, file.readers)


def new_key() -> str:
    """Return a new key, as the file has it."""
    return base64.b64encode(secrets.token_bytes(AES_KEY_BYTES)).decode()


def new_token() -> str:
    """Return a new token for somebody who may use the codec server."""
    return secrets.token_urlsafe(24)


def _cipher(key_id: str, key: SecretStr) -> Cipher:
    raw = base64.b64decode(key.get_secret_value())
    return Cipher(key_id, hashlib.sha256(b"aftersales key mark\n" + raw).hexdigest()[:16], AESGCM(raw))
