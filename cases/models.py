"""The strict base models and types of facts, forms and figures, all of them bounded."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    ValidationInfo,
)

from cases.durations import format_duration, parse_duration
from cases.errors import BadForm

CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """Round an amount to 0.01, half up."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def whole_seconds(instant: datetime) -> datetime:
    """Return the instant in UTC, in whole seconds as the marketplaces count."""
    return instant.astimezone(UTC).replace(microsecond=0)


EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)


def _plausible(instant: datetime) -> datetime:
    if not EARLIEST <= instant < LATEST:
        # Records often write "never" or "unknown" as the year 1 or 9999, from which no deadline can be computed.
        raise ValueError("须在 2000 年到 2099 年之间 / must be between the years 2000 and 2099")
    return whole_seconds(instant)


def _length(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_duration(value)
    except BadForm as bad:
        raise ValueError(str(bad)) from bad


Instant = Annotated[AwareDatetime, AfterValidator(_plausible)]
"""A timezone-aware instant of this century, kept in UTC and whole seconds."""
Duration = Annotated[timedelta, BeforeValidator(_length), PlainSerializer(format_duration, return_type=str)]
"""A length of time, written as 48h or 3d."""
Money = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2), AfterValidator(cents)]
"""An amount in CNY, kept with its two decimals."""


@dataclass(frozen=True)
class IdMark:
    """How the ids of a field look on the platform: of ASCII ``digits`` alone, or not known.

    Files are read by it.  Cases are not refused for it: those that are open stay as they are.
    """

    digits: bool = False


Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\s/]+$"), IdMark()]
"""A platform's own identifier: no white space, no slash."""
DigitId = Annotated[Id, IdMark(digits=True)]
"""An identifier that the platform writes in ASCII digits."""
LONGEST_TEXT = 2000
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TEXT)]
"""A text that is not empty."""
NAME_LENGTH = 200
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LENGTH)]
"""A short text that is not empty: a name, a number, the id of a message."""
GIVEN_NOW: Final = "given now"
"""The context of reading what a person gives now; what a case has taken in before is read again without it."""
_WEB_ADDRESS: Final = re.compile(r"https?://[^\s/?#]\S*", re.IGNORECASE)


def _web_address(address: str, info: ValidationInfo) -> str:
    # Forms that a case has taken in already, in whatever release, must stay readable for ever.
    if info.context == GIVEN_NOW and not (_WEB_ADDRESS.fullmatch(address) and address.isprintable()):
        raise ValueError("须为 http(s) 网址 / must be an http or https address")
    return address


Url = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=1000),
    AfterValidator(_web_address),
    Field(json_schema_extra={"format": "uri"}),
]
"""The address of a picture or a document: http or https, where it is given now."""
Excerpt = Annotated[str, AfterValidator(lambda text: clipped(text, LONGEST_TEXT))]
"""A text of others, of which only the beginning is kept: too long a one is no reason to refuse the rest."""

LARGEST_INPUT = 64 * 1024
"""The most bytes of JSON of a decision or a message.  The server takes 2 MB, but a case keeps many of them."""
DEEPEST_INPUT = 10
"""The deepest nesting of a form.  A case keeps it nested in its own state, and JSON is read to a depth of 200 only."""


class Strict(BaseModel):
    """A frozen model that refuses unknown fields, loose types and naive instants."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


_CHINESE = {
    "missing": "缺少",
    "extra_forbidden": "没有这个字段",
    "timezone_aware": "须带时区",
    "enum": "不在可选值内",
    "literal_error": "不在可选值内",
    "string_too_short": "不能为空",
    "string_too_long": "过长",
    "too_short": "数量不足",
    "too_long": "数量过多",
}
WHOLE = "(全部 / whole)"
FAULTS_NAMED = 10
"""The most faults that a refusal names."""


Model = TypeVar("Model", bound=BaseModel)


def json_text(raw: Any, what: str) -> str:
    """Return JSON-like data as JSON; raises BadForm for what no JSON reader takes: NaN, half a character, a circle."""
    try:
        text = json.dumps(raw, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()
    except (TypeError, ValueError, RecursionError) as bad:
        raise BadForm(f"{what}: 不是 JSON / is not JSON: {clipped(str(bad))}", (what,)) from bad
    return text


def refuse_larger(raw: Any, what: str, largest: int = LARGEST_INPUT) -> str:
    """Return JSON-like data as JSON; raises BadForm if it is larger than so many bytes."""
    text = json_text(raw, what)
    size = len(text.encode())
    if size > largest:
        raise BadForm(
            f"{what}: 过大,{size} 字节,最多 {largest} / too large: {size} bytes of JSON, at most {largest}", (what,)
        )
    return text


def _bounded(form: dict[str, Any]) -> dict[str, Any]:
    try:
        refuse_larger(form, "form")
    except BadForm as bad:
        raise ValueError(str(bad)) from bad
    if _deeper_than(form, DEEPEST_INPUT):
        raise ValueError(f"嵌套最多 {DEEPEST_INPUT} 层 / nested deeper than {DEEPEST_INPUT} levels")
    return form


def _deeper_than(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper_than(part, levels - 1) for part in parts)


FormData = Annotated[dict[str, Any], AfterValidator(_bounded)]
"""A form as it came from outside, bounded in size and depth before anybody knows which form it is."""


def read(model: type[Model], raw: Any, what: str, context: str | None = None) -> Model:
    """Read JSON-like data into a model; raises BadForm with the wrong fields and what was expected.

    ``context`` is GIVEN_NOW for what a person gives now.
    """
    if not isinstance(raw, dict):
        raise BadForm(
            f"{what}: 须为 JSON 对象 / expected an object, got {type(raw).__name__}; {expected(model)}", (what,)
        )
    text = json_text(raw, what)
    try:
        return model.model_validate_json(text, context=context)
    except ValidationError as bad:
        place = bad.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
        lines = [f"{_path(where)}: {why}" for where, why in islice(faults(bad), FAULTS_NAMED)]
        if bad.error_count() > FAULTS_NAMED:
            lines.append(f"还有 {bad.error_count() - FAULTS_NAMED} 处 / and more")
        raise BadForm(f"{what}: {'; '.join(lines)}; {expected(model)}", (what, *place)) from bad


def _path(where: tuple[str | int, ...]) -> str:
    return clipped(".".join(str(part) for part in where)) or WHOLE


def faults(bad: ValidationError) -> Iterable[tuple[tuple[str | int, ...], str]]:
    """Yield the path and the text of every fault, Chinese first; a fault of the model as a whole has an empty path."""
    for fault in bad.errors(include_url=False, include_context=False, include_input=False):
        chinese = _CHINESE.get(fault["type"], "有误")
        yield fault["loc"], clipped(f"{chinese} / {fault['msg'].removeprefix('Value error, ')}")


def expected(model: type[BaseModel]) -> str:
    """List a model's fields on one line, optional ones with a question mark."""
    fields = (name + ("" if field.is_required() else "?") for name, field in model.model_fields.items())
    return f"字段 / fields: {', '.join(fields) or '-'}"


LONGEST_QUOTE = 300
"""The longest text from outside that is kept, so that junk fills neither a case nor a notice."""


def clipped(text: str, longest: int = LONGEST_QUOTE) -> str:
    """Cut a text that is too long."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
