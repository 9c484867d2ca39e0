"""Signatures and messages against ``vectors.json``, whose values independent implementations agree on."""

import json
from pathlib import Path
from typing import Any

import pytest

from aftersales.notifications.http_senders import dingtalk_signature, feishu_signature
from aftersales.platforms.alibaba_1688 import signing as alibaba_1688
from aftersales.platforms.douyin import signing as douyin
from aftersales.platforms.douyin.reship_reading import case_of, report_of
from aftersales.platforms.jd import signing as jd
from aftersales.platforms.taobao import signing as taobao

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("vectors.json").read_bytes())
MEANINGS = {"for the seller": "rule_dismiss", "for the buyer, refunded at once": "rule_refund"}


TRIED = set()


def of(kind: str) -> list[Any]:
    TRIED.add(kind)
    return [pytest.param(vector, id=str(vector.get("name", number))) for number, vector in enumerate(VECTORS[kind])]


def query(vector: dict[str, Any], signature: str) -> dict[str, str]:
    fields = {name: vector[name] for name in ("app_key", "method", "timestamp")}
    return fields | {"v": "2", "sign_method": "hmac-sha256", "sign": signature}


@pytest.mark.parametrize("vector", of("douyin_request"))
def test_a_request_to_douyin_is_written_and_signed_as_others_do(vector: dict[str, Any]) -> None:
    body = vector["param_json"]
    assert douyin.canonical(json.loads(body)) == body
    signed = douyin.sign(vector["app_key"], vector["secret"], vector["method"], body, vector["timestamp"])
    assert signed == vector["sign_hmac_sha256"]


@pytest.mark.parametrize("vector", of("douyin_request"))
def test_a_request_of_douyins_own_go_client_is_accepted(vector: dict[str, Any]) -> None:
    right = query(vector, vector["go_sdk_sign"])
    assert douyin.verify(vector["secret"], right, vector["go_sdk_param_json"])
    assert douyin.verify(vector["secret"], right, vector["param_json"])  # however it was written on the way
    assert not douyin.verify(vector["secret"], right, vector["param_json"].replace("}", ',"more":1}', 1))


@pytest.mark.parametrize("vector", of("douyin_event"))
def test_a_message_of_douyin_is_signed_over_its_bytes(vector: dict[str, Any]) -> None:
    body = vector["body"].encode()
    assert douyin.event_sign(vector["app_key"], vector["secret"], body) == vector["event_sign"]
    assert douyin.verify_event(vector["app_key"], vector["secret"], body, vector["event_sign"])


@pytest.mark.parametrize("vector", of("douyin_ruling_messages"))
def test_dr_18_a_message_of_a_ruling_says_for_whom(vector: dict[str, Any]) -> None:
    assert case_of(vector["tag"], vector["data"])
    report = report_of(vector["tag"], "m1", vector["data"])
    assert report
    assert (report.rule, report.otherwise) == (MEANINGS[vector["means"]], ())


@pytest.mark.parametrize("vector", of("taobao"))
def test_a_request_to_taobao_is_signed_as_others_do(vector: dict[str, Any]) -> None:
    params = vector["params"]
    assert taobao.sign(vector["secret"], params, params["sign_method"]) == vector["sign"]
    assert taobao.verify(vector["secret"], params | {"sign": vector["sign"]})


@pytest.mark.parametrize("vector", of("jd"))
def test_a_request_to_jd_is_signed_as_others_do(vector: dict[str, Any]) -> None:
    assert jd.sign(vector["secret"], vector["params"]) == vector["sign"]
    assert jd.verify(vector["secret"], vector["params"] | {"sign": vector["sign"]})


@pytest.mark.parametrize("vector", of("alibaba_1688_request"))
def test_a_request_to_1688_is_signed_as_others_do(vector: dict[str, Any]) -> None:
    secret, path, params = vector["secret"], vector["path"], vector["params"]
    assert alibaba_1688.sign(secret, path, params) == vector["signature"]
    assert alibaba_1688.verify(secret, path, params | {alibaba_1688.SIGNATURE: vector["signature"]})


@pytest.mark.parametrize("vector", of("alibaba_1688_push"))
def test_a_message_of_1688_is_signed_as_others_do(vector: dict[str, Any]) -> None:
    assert alibaba_1688.event_sign(vector["secret"], vector["message"]) == vector["signature"]
    assert alibaba_1688.verify_event(vector["secret"], vector["message"], vector["signature"])


@pytest.mark.parametrize("vector", of("robots"))
def test_a_notice_to_a_work_chat_robot_is_signed_as_others_do(vector: dict[str, Any]) -> None:
    sign = {"dingtalk": dingtalk_signature, "feishu": feishu_signature}[vector["robot"]]
    assert sign(vector["secret"], vector["timestamp"]) == vector["sign"]


def test_every_vector_is_tried() -> None:
    assert set(VECTORS) - {"note"} == TRIED
