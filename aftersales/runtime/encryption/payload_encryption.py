"""Encryption of all that Temporal stores of a case: facts, forms, notes, results, refusals, summaries and details.

Each payload is encrypted by AES-256-GCM with a nonce of its own.  Search attributes and ids stay clear: the server
searches by them, and they hold no buyer's data.
"""

import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, PayloadCodec

from aftersales.runtime.encryption.key_ring import KeyRing
from aftersales.runtime.settings import Settings, load_settings
from cases.errors import BadForm, CaseError

ENCRYPTED: Final = b"binary/encrypted"
ENCODING, KEY_ID, KEY_MARK = "encoding", "encryption-key-id", "encryption-key-mark"
_NONCE_BYTES: Final = 12
_FORM: Final = b"aftersales payload 1"
"""Authenticated with every payload, with its key id: what the key encrypted for another use is refused."""


class Tampered(CaseError):
    """Encrypted data that was changed, or cut off."""


class EncryptionCodec(PayloadCodec):
    """Encrypts every payload with the current key; decrypts with the key that a payload names.

    Payloads that are not encrypted pass: of cases from before, and what somebody has typed without the codec server.
    """

    def __init__(self, keys: KeyRing) -> None:
        """Use the keys of a file, as it is at each moment."""
        self._keys = keys

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt what is not encrypted yet."""
        return [payload if is_encrypted(payload) else self._encrypted(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt what is encrypted; raises KeyMissing, or Tampered."""
        return [self._decrypted(payload) if is_encrypted(payload) else payload for payload in payloads]

    def _encrypted(self, payload: Payload) -> Payload:
        cipher, nonce = self._keys.current, os.urandom(_NONCE_BYTES)
        key_id = cipher.key_id.encode()
        sealed = nonce + cipher.aead.encrypt(nonce, payload.SerializeToString(), _FORM + key_id)
        return Payload(metadata={ENCODING: ENCRYPTED, KEY_ID: key_id, KEY_MARK: cipher.mark.encode()}, data=sealed)

    def _decrypted(self, payload: Payload) -> Payload:
        key_id, mark = (payload.metadata.get(name, b"").decode(errors="replace") for name in (KEY_ID, KEY_MARK))
        cipher = self._keys.cipher(key_id, mark)
        nonce, sealed = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        try:
            return Payload.FromString(cipher.aead.decrypt(nonce, sealed, _FORM + key_id.encode()))
        except (InvalidTag, ValueError, DecodeError) as bad:
            raise Tampered(f"加密数据已损坏 / encrypted data was changed (key {key_id!r})") from bad


def is_encrypted(payload: Payload) -> bool:
    """Return whether a payload is one of ours."""
    return payload.metadata.get(ENCODING) == ENCRYPTED


def configured_keys(settings: Settings) -> KeyRing | None:
    """Return the keys that the settings name, None without a file; raises BadForm."""
    if settings.keys_file is None:
        return None
    try:
        return KeyRing(settings.keys_file)
    except BadForm as bad:
        raise BadForm(f"AFTERSALES_KEYS_FILE: {bad}", bad.place) from bad


def configured_converter() -> DataConverter:
    """Return the data converter of every client of Temporal: encrypting if the settings name a file of keys."""
    keys = configured_keys(load_settings())
    if keys is None:
        return pydantic_data_converter
    from workflows.worker_options import hiding_failures  # noqa: PLC0415 - a command without keys starts faster so

    return hiding_failures(pydantic_data_converter, EncryptionCodec(keys))
