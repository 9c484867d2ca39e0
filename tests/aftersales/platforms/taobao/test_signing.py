r"""Taobao's signature by its three methods, against vectors worked out with openssl.

What is signed:
$ kv() { printf '%s' "app_keyK1formatjsongroup_name默认分组methodtaobao.tmc.messages.consumequantity100sessionT1"\
"sign_method$1timestamp2026-01-05 09:00:00v2.0"; }
"""

import pytest

from aftersales.platforms.taobao.signing import SignMethod, sign, verify

KEY = "s3cret"
PARAMS = {
    "method": "taobao.tmc.messages.consume",
    "app_key": "K1",
    "session": "T1",
    "timestamp": "2026-01-05 09:00:00",
    "format": "json",
    "v": "2.0",
    "group_name": "默认分组",
    "quantity": "100",
}
SIGNED: list[tuple[SignMethod, str]] = [
    # $ printf '%s' "s3cret$(kv md5)s3cret" | openssl dgst -md5
    ("md5", "2B3EAFB0649502CEDCC047BC2BBFCFAE"),
    # $ kv hmac | openssl dgst -md5 -hmac s3cret
    ("hmac", "D167B3135E6FAAF0465791095F71B56E"),
    # $ kv hmac-sha256 | openssl dgst -sha256 -hmac s3cret
    ("hmac-sha256", "0C664D0E1A11271E893A5A9CFB6E38DAAC6302CA79FAFF111E348E0080D0094E"),
]


@pytest.mark.parametrize(("method", "signed"), SIGNED)
def test_a_request_with_chinese_values_is_signed_as_openssl_signs_it(method: SignMethod, signed: str) -> None:
    params = PARAMS | {"sign_method": method}

    assert sign(KEY, params, method) == signed
    assert verify(KEY, params | {"sign": signed})


@pytest.mark.parametrize(("method", "signed"), SIGNED)
def test_a_parameter_without_a_value_is_not_signed(method: SignMethod, signed: str) -> None:
    assert verify(KEY, PARAMS | {"sign_method": method, "fields": "", "sign": signed})


@pytest.mark.parametrize(("method", "signed"), SIGNED)
@pytest.mark.parametrize("name", sorted(PARAMS))
def test_a_changed_parameter_is_noticed(method: SignMethod, signed: str, name: str) -> None:
    assert not verify(KEY, PARAMS | {"sign_method": method, "sign": signed, name: PARAMS[name] + "1"})


@pytest.mark.parametrize("method", ["", "sha1", "HMAC"])
def test_an_unknown_method_is_wrong(method: str) -> None:
    assert not verify(KEY, PARAMS | {"sign": SIGNED[0][1]})
    assert not verify(KEY, PARAMS | {"sign_method": method, "sign": SIGNED[0][1]})


@pytest.mark.parametrize("changed", [{}, {"sign": ""}, {"sign": "签名"}, {"sign": "\ud800"}])
@pytest.mark.parametrize(("method", "signed"), SIGNED)
def test_a_missing_or_foreign_signature_is_wrong(method: SignMethod, signed: str, changed: dict[str, str]) -> None:
    assert not verify(KEY, PARAMS | {"sign_method": method} | changed)
    assert not verify("s3creT", PARAMS | {"sign_method": method, "sign": signed})
