r"""JD's signature, against a vector worked out with openssl.

SIGNED:
$ kv() { printf '%s' '360buy_param_json{"orderId":281234567890,"logiCoprId":"467","logiNo":"SF1655275297820",'\
'"remark":"仓库盘点"}access_tokenT1app_keyK1methodjingdong.pop.order.shipmenttimestamp2026-01-05 09:00:00v2.0'; }
$ printf '%s' "s3cret$(kv)s3cret" | openssl dgst -md5
"""

import pytest

from aftersales.platforms.jd.signing import sign, verify

KEY = "s3cret"
PARAMS = {
    "method": "jingdong.pop.order.shipment",
    "app_key": "K1",
    "access_token": "T1",
    "timestamp": "2026-01-05 09:00:00",
    "v": "2.0",
    "360buy_param_json": '{"orderId":281234567890,"logiCoprId":"467","logiNo":"SF1655275297820","remark":"仓库盘点"}',
}
SIGNED = "4720887CD5F672DA18BBEC81AE851604"


def test_a_request_with_chinese_values_is_signed_as_openssl_signs_it() -> None:
    assert sign(KEY, PARAMS) == SIGNED


def test_the_signature_itself_is_not_signed() -> None:
    assert sign(KEY, PARAMS | {"sign": "anything"}) == SIGNED
    assert verify(KEY, PARAMS | {"sign": SIGNED})


@pytest.mark.parametrize("name", sorted(PARAMS))
def test_a_changed_parameter_is_noticed(name: str) -> None:
    assert not verify(KEY, PARAMS | {"sign": SIGNED, name: PARAMS[name] + "1"})


@pytest.mark.parametrize("changed", [{}, {"sign": ""}, {"sign": SIGNED.lower()}, {"sign": "签名"}, {"sign": "\ud800"}])
def test_a_missing_or_foreign_signature_is_wrong(changed: dict[str, str]) -> None:
    assert not verify(KEY, PARAMS | changed)


def test_another_secret_signs_differently() -> None:
    assert not verify("s3creT", PARAMS | {"sign": SIGNED})
