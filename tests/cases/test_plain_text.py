"""Whatever others say, it is shown as text."""

import sys
import unicodedata

import pytest

from cases.plain_text import as_code, as_markdown, plain, plain_lines, squeezed


def test_nothing_that_steers_or_hides_is_left() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}

    assert {unicodedata.category(character) for character in plain(everything)} & hidden == set()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("不行\n截止时间:今天", "不行 截止时间:今天"),
        ("\x1b[2J不行\x9b31m", " [2J不行 31m"),
        ("a\u202eb\u200bc", "abc"),
        ("  补寄 \ud800", "  补寄 \ufffd"),
        ("补寄,已同意 👍", "补寄,已同意 👍"),
    ],
)
def test_a_plain_text_is_one_line(said: str, shown: str) -> None:
    assert plain(said) == shown


def test_lines_of_our_own_stay_lines() -> None:
    assert plain_lines("a\x1b\n  b\x00") == "a \n  b "


def test_a_squeezed_text_has_single_spaces() -> None:
    assert squeezed(" a \n\n\t b\x00 ") == "a b"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("![x](http://evil/1.png)", r"\!\[x\](http:\/\/evil/1.png)"),
        ("不行\n# 已同意", "不行 # 已同意"),
        ("**已同意** `agree` ~~x~~", r"\*\*已同意\*\* \`agree\` \~\~x\~\~"),
        ("<img src=x> &lt;", r"\<img src=x> \&lt;"),
        ("www.evil.com a@b.cn", r"www\.evil.com a\@b.cn"),
        ("a|b \\*", r"a\|b \\\*"),
        ("¥12.50 (含运费)", "¥12.50 (含运费)"),
    ],
)
def test_in_markdown_a_text_is_shown_as_it_is(said: str, shown: str) -> None:
    assert as_markdown(said) == shown


def test_code_ends_where_it_should() -> None:
    assert as_code("a`\n# b") == "`a' # b`"
