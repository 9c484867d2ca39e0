"""Douyin's signatures, against figures worked out by openssl.

Each vector is repeated by the command of its kind, with the text beside it in single quotes:
    printf '%s' TEXT | openssl dgst -sha256 -hmac s3cr3t
    printf '%s' TEXT | openssl md5
START is s3cr3tapp_keyK1methodafterSale.operateparam_json, END is timestamp1768960800v2s3cr3t.
"""

import json

import pytest

from aftersales.platforms.douyin import signing
from aftersales.platforms.douyin.signing import canonical, event_sign, sign, verify, verify_event

SECRET, KEY = "s3cr3t", "K1"
SECONDS = "1768960800"
GIVEN = {"b": "王", "a": {"y": [{"n": 2, "m": 1}], "x": "缺货 <b>&"}}
SORTED = '{"a":{"x":"缺货 <b>&","y":[{"m":1,"n":2}]},"b":"王"}'
RAW = '{"b": "王", "a": {"y": [{"n": 2, "m": 1}], "x": "缺货 <b>&"}}'

# s3cr3tapp_keyK1methodtoken.createparam_json{}timestamp1768960800v2s3cr3t
EMPTY_SIGN = "eb78c1a2601d697b4af4771d4a781f11265192512c3504568ea35352bcded7a9"
# START{"a":{"x":"缺货 <b>&","y":[{"m":1,"n":2}]},"b":"王"}END
SORTED_SIGN = "270405160801fa3f588188095142e520b16a6817b58a0e9f0e4ffbde9e1692ff"
# START{"a":{"x":"缺货 \u003cb\u003e\u0026","y":[{"m":1,"n":2}]},"b":"王"}END
ESCAPED_SIGN = "4de793587d11c4ba4f815e527c7b2292ae48934dbb7d2a2fbae2044582a1ef67"
# START{"b": "王", "a": {"y": [{"n": 2, "m": 1}], "x": "缺货 <b>&"}}END
RAW_SIGN = "32c9d966ee967cb82759a8d42a0094f429c63edde56811613ea8f77423afc64f"
# s3cr3tapp_keyK1methodtoken.createparam_json{}timestamp1768960800000v2s3cr3t
MILLISECONDS_SIGN = "3e7226a4f820ec92240d7afa7a0e259f9c62e0e17e94b31cfadb414c49cc1af9"
# s3cr3tapp_keyK1methodtoken.createparam_json{}timestamp2026-01-21 10:00:00v2s3cr3t
TEXT_SIGN = "1f58099ac84b62acc7f2afdb00696904d0e98995badcf7b29334c91be9ff5872"
# md5 of s3cr3tapp_keyK1methodtoken.createparam_json{}timestamp1768960800v2s3cr3t
EMPTY_MD5 = "963fd0f7c245f689177c40144f46f6ec"
# md5 of START{"a":{"x":"缺货 \u003cb\u003e\u0026","y":[{"m":1,"n":2}]},"b":"王"}END
ESCAPED_MD5 = "d8f124eccf8b194062b961dfd27e8717"
# md5 of K1[{"tag":"0","msg_id":"1","data":"{\"说\":\"<王>&\"}"}]s3cr3t
EVENT = r'[{"tag":"0","msg_id":"1","data":"{\"说\":\"<王>&\"}"}]'.encode()
EVENT_MD5 = "b4285d21689effe4f280cba1759df5dd"


def query(signature: str, method: str = "afterSale.operate", **changed: str | None) -> dict[str, str]:
    fields = {"app_key": KEY, "method": method, "timestamp": SECONDS, "v": "2", "sign_method": "hmac-sha256"}
    return {name: value for name, value in (fields | {"sign": signature} | changed).items() if value is not None}


def test_params_are_sorted_at_every_level_compact_and_not_escaped() -> None:
    assert canonical(GIVEN) == SORTED
    assert canonical({}) == "{}"


def test_a_number_that_json_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        canonical({"a": float("nan")})


@pytest.mark.parametrize(
    ("method", "params", "timestamp", "right"),
    [
        ("token.create", {}, SECONDS, EMPTY_SIGN),
        ("token.create", {}, "1768960800000", MILLISECONDS_SIGN),
        ("afterSale.operate", GIVEN, SECONDS, SORTED_SIGN),
    ],
)
def test_a_request_is_signed_as_openssl_signs_it(
    method: str, params: dict[str, object], timestamp: str, right: str
) -> None:
    assert sign(KEY, SECRET, method, canonical(params), timestamp) == right


@pytest.mark.parametrize("signature", [RAW_SIGN, SORTED_SIGN, ESCAPED_SIGN])
def test_a_body_may_have_been_signed_as_it_is_or_sorted_or_escaped(signature: str) -> None:
    assert verify(SECRET, query(signature), RAW)


@pytest.mark.parametrize(
    ("signature", "timestamp"),
    [(EMPTY_SIGN, SECONDS), (MILLISECONDS_SIGN, "1768960800000"), (TEXT_SIGN, "2026-01-21 10:00:00")],
)
def test_a_timestamp_may_be_seconds_or_milliseconds_or_a_text(signature: str, timestamp: str) -> None:
    assert verify(SECRET, query(signature, "token.create", timestamp=timestamp), "{}")


@pytest.mark.parametrize(
    ("signature", "method", "body"), [(EMPTY_MD5, "token.create", "{}"), (ESCAPED_MD5, "afterSale.operate", RAW)]
)
def test_md5_counts_where_no_method_of_signing_is_sent_and_only_there(signature: str, method: str, body: str) -> None:
    assert verify(SECRET, query(signature, method, sign_method=None), body)
    assert not verify(SECRET, query(signature, method), body)


@pytest.mark.parametrize(
    "signed",
    [
        """{"t":"<&>=' \u2028\u2029 \\b\\f \\\\b"}""",
        """{"t":"<&>=' \\u2028\\u2029 \\b\\f \\\\b"}""",
        """{"t":"<&>=' \\u2028\\u2029 \\u0008\\u000c \\\\b"}""",
        """{"t":"\\u003c\\u0026\\u003e=' \\u2028\\u2029 \\u0008\\u000c \\\\b"}""",
        """{"t":"\\u003c\\u0026\\u003e\\u003d\\u0027 \\u2028\\u2029 \\b\\f \\\\b"}""",
    ],
    ids=["python", "php", "go", "go for html", "java"],
)
def test_a_body_may_have_been_signed_with_the_escapes_of_any_official_client(signed: str) -> None:
    sent = json.dumps({"t": "<&>=' \u2028\u2029 \b\f \\b"})  # nothing of it is left as it was signed
    assert json.loads(signed) == json.loads(sent)
    right = query(sign(KEY, SECRET, "afterSale.operate", signed, SECONDS))
    assert verify(SECRET, right, sent)
    assert not verify(SECRET, right, sent.replace("&", "+"))


def test_an_unknown_method_of_signing_is_wrong_and_the_old_one_may_be_named() -> None:
    assert verify(SECRET, query(EMPTY_MD5, "token.create", sign_method="md5"), "{}")
    assert not verify(SECRET, query(EMPTY_SIGN, "token.create", sign_method="sha1"), "{}")


def test_an_hmac_does_not_count_where_no_method_of_signing_is_sent() -> None:
    assert not verify(SECRET, query(EMPTY_SIGN, "token.create", sign_method=None), "{}")


@pytest.mark.parametrize(
    "changed",
    [
        {"app_key": "K2"},
        {"method": "afterSale.Detail"},
        {"timestamp": "1768960801"},
        {"v": "3"},
        {"v": None},
        {"app_key": None},
        {"method": None},
        {"timestamp": None},
        {"sign": None},
        {"sign": ""},
        {"sign": SORTED_SIGN[:-1]},
        {"sign": SORTED_SIGN.upper()},
        {"sign": "签名"},
        {"sign": "\ud800"},
    ],
)
def test_whatever_is_changed_or_missing_makes_a_signature_wrong(changed: dict[str, str | None]) -> None:
    assert verify(SECRET, query(SORTED_SIGN), RAW)
    fields = query(SORTED_SIGN) | changed
    assert not verify(SECRET, {name: value for name, value in fields.items() if value is not None}, RAW)


def test_another_secret_or_body_makes_a_signature_wrong() -> None:
    assert not verify("other", query(SORTED_SIGN), RAW)
    assert not verify(SECRET, query(SORTED_SIGN), RAW.replace("王", "李"))


@pytest.mark.parametrize("body", ["", "no json", "[1", '"\ud800"', "[" * 100_000])
def test_a_body_that_is_not_json_is_verified_as_it_is(body: str) -> None:
    assert not verify(SECRET, query(SORTED_SIGN), body)
    assert verify(SECRET, query(sign(KEY, SECRET, "afterSale.operate", body, SECONDS)), body)


def test_the_access_token_is_not_signed() -> None:
    assert verify(SECRET, query(SORTED_SIGN) | {"access_token": "any"}, RAW)


def test_a_pushed_message_is_signed_over_its_bytes() -> None:
    assert event_sign(KEY, SECRET, EVENT) == EVENT_MD5
    assert verify_event(KEY, SECRET, EVENT, EVENT_MD5)


@pytest.mark.parametrize("signature", ["", EVENT_MD5[:-1], EVENT_MD5.upper(), "签名", "\ud800"])
def test_a_wrong_signature_of_a_pushed_message_is_refused(signature: str) -> None:
    assert not verify_event(KEY, SECRET, EVENT, signature)


def test_a_changed_message_or_another_app_is_refused() -> None:
    assert not verify_event(KEY, SECRET, EVENT + b" ", EVENT_MD5)
    assert not verify_event("K2", SECRET, EVENT, EVENT_MD5)
    assert not verify_event(KEY, "other", EVENT, EVENT_MD5)


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(right: bytes, signature: bytes) -> bool:
        compared.append(signature)
        return right == signature

    monkeypatch.setattr(signing.hmac, "compare_digest", compare)

    assert verify(SECRET, query(RAW_SIGN), RAW)
    assert verify_event(KEY, SECRET, EVENT, EVENT_MD5)
    # every reading of the body is compared, the right one first as well
    assert set(compared) == {RAW_SIGN.encode(), EVENT_MD5.encode()}
    assert compared.count(RAW_SIGN.encode()) == 1 + 3 * 2 * 2
