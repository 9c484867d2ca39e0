"""Encrypted payloads and the keys: rotated without restart, and refused in words where they do not fit."""

import base64
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, WithSerializationContext, WorkflowSerializationContext
from temporalio.exceptions import ActivityError, ApplicationError

from aftersales.runtime.encryption.key_ring import KeyMissing, KeyRing, new_key, read_keys
from aftersales.runtime.encryption.payload_encryption import (
    EncryptionCodec,
    Tampered,
    configured_converter,
    configured_keys,
)
from aftersales.runtime.settings import Settings
from cases.errors import BadForm
from tests.support.records.key_files import content_of, key_file, rewritten
from workflows.worker_options import for_cases, hiding_failures

PLAIN = Payload(metadata={"encoding": b"json/plain"}, data='{"reason": "朝阳区"}'.encode())


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return key_file(tmp_path / "keys.yaml", "k1")


@pytest.fixture
def codec(keys: Path) -> EncryptionCodec:
    return EncryptionCodec(KeyRing(keys))


async def encrypted(codec: EncryptionCodec) -> Payload:
    (payload,) = await codec.encode([PLAIN])
    return payload


async def test_what_is_encrypted_shows_nothing_and_is_decrypted_again(codec: EncryptionCodec) -> None:
    sealed = await encrypted(codec)
    assert "朝阳区".encode() not in sealed.SerializeToString()
    assert b"json/plain" not in sealed.SerializeToString()
    assert await codec.decode([sealed]) == [PLAIN]


async def test_the_same_payload_is_never_encrypted_the_same_way(codec: EncryptionCodec) -> None:
    assert len({(await encrypted(codec)).data for _ in range(20)}) == 20


async def test_payloads_in_the_clear_pass_and_encrypted_ones_are_not_encrypted_twice(codec: EncryptionCodec) -> None:
    assert await codec.decode([PLAIN]) == [PLAIN]
    sealed = await encrypted(codec)
    assert await codec.encode([sealed]) == [sealed]


async def test_a_new_key_encrypts_without_restart_and_the_old_one_still_decrypts(
    keys: Path, codec: EncryptionCodec
) -> None:
    before = await encrypted(codec)
    both = {"keys": {**content_of(keys)["keys"], "k2": new_key()}}
    rewritten(keys, both)
    assert (await encrypted(codec)).metadata["encryption-key-id"] == b"k1"  # the first, until another one is named
    rewritten(keys, {**both, "encrypt_with": "k2"})
    after = await encrypted(codec)
    assert after.metadata["encryption-key-id"] == b"k2"
    assert await codec.decode([before, after]) == [PLAIN, PLAIN]


async def test_a_file_that_becomes_unusable_changes_nothing(keys: Path, codec: EncryptionCodec) -> None:
    before = await encrypted(codec)
    rewritten(keys, "keys: {}")
    assert await codec.decode([before, await encrypted(codec)]) == [PLAIN, PLAIN]


@pytest.mark.parametrize("ids", [["k2"], ["k1"]])  # another id, and another key under the same id
async def test_a_key_that_is_missing_is_named_and_counts_once_it_comes(
    tmp_path: Path, keys: Path, codec: EncryptionCodec, ids: list[str]
) -> None:
    sealed = await encrypted(codec)
    elsewhere = key_file(tmp_path / "others.yaml", *ids)
    other = EncryptionCodec(KeyRing(elsewhere))
    with pytest.raises(KeyMissing, match=r"others\.yaml: .*'k1'"):
        await other.decode([sealed])
    rewritten(elsewhere, content_of(keys))
    assert await other.decode([sealed]) == [PLAIN]


@pytest.mark.parametrize("place", [0, 11, 12, 40, -1])
async def test_what_was_changed_or_cut_off_is_refused(codec: EncryptionCodec, place: int) -> None:
    sealed = await encrypted(codec)
    data = bytearray(sealed.data)
    data[place] ^= 1
    for changed in (bytes(data), sealed.data[:place], b""):
        with pytest.raises(Tampered):
            await codec.decode([Payload(metadata=sealed.metadata, data=changed)])


SHORT = base64.b64encode(b"x" * 16).decode()
SAME = base64.b64encode(b"x" * 32).decode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"keys": {}}, "keys"),
        ({"keys": {"k1": SHORT}}, "32 bytes"),
        ({"keys": {"k1": "hush, not base64"}}, "32 bytes"),
        ({"keys": {"k1": SAME}, "encrypt_with": "k2"}, "no such key: k2"),
        ({"keys": {"k1": SAME, "k2": SAME}}, "two ids"),
        ({"keys": {"k1": SAME}, "readers": {"ann": "hush"}}, "at least 16"),
        ({"keys": {"k1": SAME}, "nonsense": 1}, "nonsense"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_its_field_and_never_quoted(
    tmp_path: Path, content: dict[str, Any], words: str
) -> None:
    path = rewritten(tmp_path / "keys.yaml", content)
    with pytest.raises(BadForm, match=r"keys\.yaml") as caught:
        read_keys(path)
    assert words in str(caught.value)
    assert not any(secret in str(caught.value) for secret in (SHORT, SAME, "hush"))


def test_others_may_not_read_it(keys: Path) -> None:
    keys.chmod(0o640)
    with pytest.raises(BadForm, match="0640"):
        read_keys(keys)


def test_without_a_file_nothing_is_encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AFTERSALES_KEYS_FILE", raising=False)
    assert configured_keys(Settings()) is None
    assert configured_converter() is pydantic_data_converter


def test_every_client_encrypts_with_the_file_that_the_setting_names(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFTERSALES_KEYS_FILE", str(keys))
    assert isinstance(configured_converter().payload_codec, EncryptionCodec)
    keys.unlink()
    with pytest.raises(BadForm, match=r"^AFTERSALES_KEYS_FILE: .*cannot be read"):
        configured_converter()


@pytest.fixture(params=["client", "worker"])
def converter(request: pytest.FixtureRequest, codec: EncryptionCodec) -> DataConverter:
    converter = hiding_failures(pydantic_data_converter, codec)
    return for_cases(converter) if request.param == "worker" else converter


async def failure_of(converter: DataConverter, error: BaseException) -> Failure:
    failure = Failure()
    await converter.encode_failure(error, failure)
    return failure


def raised(words: str, kind: str) -> ApplicationError:
    try:
        try:
            int(words)
        except ValueError as cause:
            raise ApplicationError(words, {"form": words}, type=kind) from cause
    except ApplicationError as error:
        return error


async def test_a_failure_tells_its_words_only_to_who_has_the_key(converter: DataConverter) -> None:
    failure = await failure_of(converter, raised("朝阳区", "PlatformUnreachable"))
    assert "朝阳区".encode() not in failure.SerializeToString()
    assert b"test_payload_encryption" not in failure.SerializeToString()  # places in the code neither
    error = await converter.decode_failure(failure)
    assert isinstance(error, ApplicationError)
    assert (error.message, error.type, error.details) == ("朝阳区", "PlatformUnreachable", ({"form": "朝阳区"},))
    assert isinstance(error.cause, ApplicationError)
    assert "朝阳区" in error.cause.message


async def test_a_refusal_has_no_stack_trace_and_no_cause(codec: EncryptionCodec) -> None:
    converter = for_cases(hiding_failures(pydantic_data_converter, codec))
    failure = await failure_of(converter, raised("朝阳区", "Refused"))
    error = await converter.decode_failure(failure)
    assert isinstance(error, ApplicationError)
    assert (error.message, error.cause, failure.stack_trace) == ("朝阳区", None, "")


async def test_a_failure_that_is_passed_on_stays_hidden(converter: DataConverter) -> None:
    received = await converter.decode_failure(await failure_of(converter, raised("朝阳区", "PlatformUnreachable")))
    passed_on = ActivityError(
        "failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="",
        activity_type="",
        activity_id="",
        retry_state=None,
    )
    passed_on.__cause__ = received
    failure = await failure_of(converter, passed_on)
    assert "朝阳区".encode() not in failure.SerializeToString()
    error = await converter.decode_failure(failure)
    assert error.__cause__
    assert str(error.__cause__) == "PlatformUnreachable: 朝阳区"


@pytest.mark.parametrize("is_encrypted", [True, False])
def test_nothing_that_converts_payloads_asks_whose_they_are(codec: EncryptionCodec, *, is_encrypted: bool) -> None:
    """Else the converter could not be the same for all payloads, and CaseRunner could not do without a context."""
    client = hiding_failures(pydantic_data_converter, codec) if is_encrypted else pydantic_data_converter
    converter = for_cases(client)
    assert converter.with_context(WorkflowSerializationContext(namespace="default", workflow_id="p/1")) is converter
    parts = (*for_cases().payload_converter_class().converters.values(), codec, converter.failure_converter)
    assert [part for part in parts if isinstance(part, WithSerializationContext)] == []
