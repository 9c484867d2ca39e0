"""What platforms say can be sent on, whatever it is."""

import json

import pytest

from aftersales.platforms.alibaba_1688 import client as alibaba_1688
from aftersales.platforms.douyin import session as douyin
from aftersales.platforms.jd import client as jd
from aftersales.platforms.taobao import client as taobao
from aftersales.platforms.wording import LONGEST_WORDS, platform_words, sendable_text
from cases.errors import PlatformRefused
from cases.messages import EffectOutcome

BROKEN = json.loads('"不行 \\ud800"') * 500


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((), ""),
        ((None, "", 0), ""),
        ((" 已出库 ", None), "已出库"),
        (("已出库", "shipped"), "已出库 / shipped"),
        ((15, ["x"]), "15 / ['x']"),
        (("不行\n\n# 已同意\x1b[2J", "a\u202eb"), "不行 # 已同意 [2J / ab"),
    ],
)
def test_the_parts_of_what_was_said_are_joined(parts: tuple[object, ...], words: str) -> None:
    assert platform_words(*parts) == words


def test_broken_characters_and_endless_texts_do_not_spoil_an_outcome() -> None:
    said = platform_words(BROKEN)

    assert len(said) == LONGEST_WORDS
    assert EffectOutcome.model_validate_json(EffectOutcome(said=said).model_dump_json()).said == said


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("", ""),
        (" 少发\r\n\t一件 ", "少发\r\n\t一件"),
        ("a\u2028b\u2029c", "a\nb\nc"),
        ("\x00\x1b[31m红\b\f\x7f\x9f", "[31m红"),
        ("👨\u200d👩\u200d👧 e\u0301 \ufeffx\u00a0y", "👨\u200d👩\u200d👧 e\u0301 \ufeffx\u00a0y"),
        ("半\ud83d", "半?"),
    ],
)
def test_a_plain_text_has_lines_and_tabs_and_nothing_else_that_is_not_seen(text: str, plain: str) -> None:
    assert sendable_text(text) == plain


def refusal_of_douyin() -> None:
    douyin._answer("x", {"code": 1, "sub_msg": BROKEN, "log_id": BROKEN}, []).content()


def refusal_of_jd() -> None:
    jd.opened("x", {"error_response": {"code": "1", "zh_desc": BROKEN}})


def refusal_of_taobao() -> None:
    taobao.opened("x", {"error_response": {"code": 1, "sub_msg": BROKEN}})


def refusal_of_1688() -> None:
    alibaba_1688.opened("x", {"error_code": "1", "error_message": BROKEN})


@pytest.mark.parametrize("refusal", [refusal_of_douyin, refusal_of_jd, refusal_of_taobao, refusal_of_1688])
def test_g_7_a_refusal_in_broken_words_is_still_a_refusal_in_words(refusal: object) -> None:
    assert callable(refusal)
    with pytest.raises(PlatformRefused, match="不行") as refused:
        refusal()
    assert len(str(refused.value).encode()) < 4 * (2 * LONGEST_WORDS + 200)
