"""The strict base models and types of facts, forms and figures."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, TypeVar

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
Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\s/]+$")]
"""A platform's own identifier: no white space, no slash."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
"""A text that is not empty."""


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
    "too_short": "数量不足",
}
WHOLE = "(全部 / whole)"


Model = TypeVar("Model", bound=BaseModel)


def read(model: type[Model], raw: Any, what: str) -> Model:
    """Read JSON-like data into a model; raises BadForm with every wrong field and what was expected."""
    if not isinstance(raw, dict):
        raise BadForm(
            f"{what}: 须为 JSON 对象 / expected an object, got {type(raw).__name__}; {expected(model)}", (what,)
        )
    try:
        text = json.dumps(raw, ensure_ascii=False)
    except (TypeError, ValueError) as bad:
        raise BadForm(f"{what}: 不是 JSON / is not JSON: {bad}") from bad
    try:
        return model.model_validate_json(text)
    except ValidationError as bad:
        place = bad.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
        lines = (f"{'.'.join(str(part) for part in where) or WHOLE}: {why}" for where, why in faults(bad))
        raise BadForm(f"{what}: {'; '.join(lines)}; {expected(model)}", (what, *place)) from bad


def faults(bad: ValidationError) -> Iterable[tuple[tuple[str | int, ...], str]]:
    """Yield the path and the text of every fault, Chinese first; a fault of the model as a whole has an empty path."""
    for fault in bad.errors(include_url=False, include_context=False, include_input=False):
        chinese = _CHINESE.get(fault["type"], "有误")
        yield fault["loc"], f"{chinese} / {fault['msg'].removeprefix('Value error, ')}"


def expected(model: type[BaseModel]) -> str:
    """List a model's fields on one line, optional ones with a question mark."""
    fields = (name + ("" if field.is_required() else "?") for name, field in model.model_fields.items())
    return f"字段 / fields: {', '.join(fields) or '-'}"


LONGEST_QUOTE = 300
"""The longest text from outside that is kept, so that junk fills neither a case nor a notice."""


def clipped(text: str, longest: int = LONGEST_QUOTE) -> str:
    """Cut a text that is too long."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
