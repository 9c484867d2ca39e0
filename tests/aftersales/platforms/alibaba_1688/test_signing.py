r"""1688's signatures of requests and pushes, against vectors worked out with openssl.

SIGNED:
$ printf '%s' 'param2/1/com.alibaba.trade/alibaba.trade.get.buyerView/K1'\
'_aop_timestamp1767574800000access_tokenT1orderId123remark仓库盘点' | openssl dgst -sha1 -hmac s3cret
JOINED_THEN_SORTED:
$ printf '%s' 'param2/1/n/m/K1a11a2' | openssl dgst -sha1 -hmac s3cret
PUSHED:
$ printf '%s' 'message{"msgId":123,"type":"ORDER_BUYER_VIEW","data":{"备注":"买家投诉"}}' \
  | openssl dgst -sha1 -hmac s3cret
"""

import pytest

from aftersales.platforms.alibaba_1688.signing import event_sign, sign, verify, verify_event

KEY = "s3cret"
PATH = "param2/1/com.alibaba.trade/alibaba.trade.get.buyerView/K1"
PARAMS = {"orderId": "123", "remark": "仓库盘点", "access_token": "T1", "_aop_timestamp": "1767574800000"}
SIGNED = "49356CFC523B5789591B99338191FBBCA21EB9ED"
JOINED_THEN_SORTED = "51A68005F2F2C1DA0A14548459863BA03215D05B"
MESSAGE = '{"msgId":123,"type":"ORDER_BUYER_VIEW","data":{"备注":"买家投诉"}}'
PUSHED = "78A4F1D8B214F3C6FEECB0D6DCFB43B33239AD2F"


def test_a_request_with_chinese_values_is_signed_as_openssl_signs_it() -> None:
    assert sign(KEY, PATH, PARAMS) == SIGNED


def test_names_are_joined_with_their_values_before_they_are_sorted() -> None:
    assert sign(KEY, "param2/1/n/m/K1", {"a": "2", "a1": "1"}) == JOINED_THEN_SORTED


def test_the_signature_itself_is_not_signed() -> None:
    assert verify(KEY, PATH, PARAMS | {"_aop_signature": SIGNED})


@pytest.mark.parametrize("name", sorted(PARAMS))
def test_a_changed_parameter_is_noticed(name: str) -> None:
    assert not verify(KEY, PATH, PARAMS | {"_aop_signature": SIGNED, name: PARAMS[name] + "1"})


def test_another_path_or_secret_signs_differently() -> None:
    assert not verify(KEY, PATH + "2", PARAMS | {"_aop_signature": SIGNED})
    assert not verify("s3creT", PATH, PARAMS | {"_aop_signature": SIGNED})


@pytest.mark.parametrize("signature", ["", SIGNED.lower(), "签名", "\ud800"])
def test_a_missing_or_foreign_signature_is_wrong(signature: str) -> None:
    assert not verify(KEY, PATH, PARAMS)
    assert not verify(KEY, PATH, PARAMS | {"_aop_signature": signature})
    assert not verify_event(KEY, MESSAGE, signature)


def test_a_push_is_signed_as_openssl_signs_it() -> None:
    assert event_sign(KEY, MESSAGE) == PUSHED
    assert verify_event(KEY, MESSAGE, PUSHED)


def test_a_push_that_was_serialized_again_is_refused() -> None:
    assert not verify_event(KEY, MESSAGE.replace(",", ", "), PUSHED)
