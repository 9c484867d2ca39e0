"""Inputs that nobody would write: documents that were good until something in them was replaced, and plain noise."""

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]

DEEP = 3000
"""More than Python's own limit to recursion."""
ODD_TEXTS = [
    *(
        "",
        " ",
        "\x00",
        "\ud800",
        "\u202e翻转",
        "é" * 300,
        "x" * 3000,
        "=1+1",
        "-1",
        "NaN",
        "1E+400",
        "1e-400",
        "٣",
        "²",
    ),
    *("0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-12:00", "2026-02-30T00:00:00Z", "2026-01-05T09:00:00"),
    *("+0s", "-3d", "99999999999d", "1" * 5000, "../../etc/passwd", "</script>", "{", "[]", "null", "%Y", "A1\nB2"),
]
ODD_NUMBERS = [
    0,
    -1,
    1,
    2**31,
    2**63,
    2**64,
    -(2**63) - 1,
    10**30,
    10**400,
    1.5,
    1e308,
    -0.0,
    float("nan"),
    float("inf"),
]
ODD_VALUES: list[Any] = [*ODD_TEXTS, *ODD_NUMBERS, None, True, False, [], {}, [[]], [None], {"": None}, [{}] * 50]

odd_values = st.one_of(
    st.sampled_from(ODD_VALUES).map(copy.deepcopy),
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=5
    ),
)


def as_json(value: Any) -> bytes:
    """Write a value as JSON that survives lone surrogates, NaN and integers of any length."""
    return json.dumps(value).encode()


def deep(opening: str, closing: str, times: int = DEEP) -> bytes:
    """Return a document of brackets within each other."""
    return (opening * times + closing * times).encode()


@st.composite
def spoilt(draw: st.DrawFn, good: Sequence[Any]) -> Any:
    """Draw a good document, and change up to three places in it."""
    document = copy.deepcopy(good[draw(st.integers(min_value=0, max_value=len(good) - 1))])
    for _ in range(draw(st.integers(min_value=0, max_value=3))):
        places = list(_places(document, ()))
        if not places:
            return draw(odd_values)
        place = draw(st.sampled_from(places))
        holder = document
        for step in place[:-1]:
            holder = holder[step]
        match draw(st.sampled_from(["replace", "replace", "remove", "add", "copy"])):
            case "replace":
                holder[place[-1]] = draw(odd_values)
            case "remove":
                del holder[place[-1]]
            case "add" if isinstance(holder, dict):
                holder[draw(st.text(max_size=8))] = draw(odd_values)
            case "copy":
                other = draw(st.sampled_from(places))
                if other[: len(place)] != place and place[: len(other)] != other:
                    holder[place[-1]] = _at(document, other)
    return document


def _at(document: Any, place: Path) -> Any:
    for step in place:
        document = document[step]
    return copy.deepcopy(document)


def _places(document: Any, place: Path) -> Iterator[Path]:
    items = (
        document.items() if isinstance(document, dict) else enumerate(document if isinstance(document, list) else ())
    )
    for name, value in items:
        yield (*place, name)
        yield from _places(value, (*place, name))


@st.composite
def garbled(draw: st.DrawFn, good: Sequence[bytes]) -> bytes:
    """Draw one of some good contents of a file, cut, doubled or with other bytes in it."""
    content = good[draw(st.integers(min_value=0, max_value=len(good) - 1))]
    for _ in range(draw(st.integers(min_value=0, max_value=3))):
        begin = draw(st.integers(min_value=0, max_value=len(content)))
        end = min(len(content), begin + draw(st.integers(min_value=0, max_value=40)))
        texts = st.sampled_from(ODD_TEXTS).map(lambda text: text.encode("utf-8", "surrogatepass"))
        middle = draw(st.one_of(texts, st.binary(max_size=12), st.just(content[begin:end] * 3)))
        content = content[:begin] + middle + content[end:]
    return content


def json_bytes(good: Sequence[Any]) -> st.SearchStrategy[bytes]:
    """Draw JSON: mostly good documents that were spoilt, sometimes other values, sometimes bytes that are not JSON."""
    texts = [as_json(document) for document in good]
    return st.one_of(
        spoilt(good).map(as_json),
        spoilt(good).map(as_json),
        garbled(texts),
        odd_values.map(as_json),
        st.sampled_from([deep("[", "]"), deep('{"a":', "}"), b"", b"\xff\xfe", b'{"a":1,"a":2}']),
    )
