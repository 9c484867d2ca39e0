"""How a case reads what it is sent: what cannot be read is refused in words, and wedges no case."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import PydanticPayloadConverter, pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverter, PayloadConverter
from temporalio.exceptions import ApplicationError

REFUSALS = ("Refused", "BadForm", "PolicyUnknown")
UNTYPED: tuple[Any, ...] = (None, Any)


class CasePayloadConverter(PydanticPayloadConverter):
    """Pydantic's JSON; arguments from outside that cannot be read fail the opening or the update, not its task.

    Anybody can send any encoding through the API.  An activity's result is typed and comes from ourselves: where it
    cannot be read the worker is at fault, and the case waits for a better one.
    """

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        """Decode; raises ApplicationError of type BadForm for untyped arguments that cannot be read."""
        try:
            return super().from_payloads(payloads, type_hints)
        except Exception as bad:
            if any(hint not in UNTYPED for hint in type_hints or ()):
                raise
            raise ApplicationError(
                f"参数无法读取,须为一个 JSON 对象 / arguments cannot be read, expected one JSON object: {bad}",
                type="BadForm",
                non_retryable=True,
            ) from bad


class WordsOnly(DefaultFailureConverter):
    """What the rules refuse reaches the operator in words, without a trace of our code."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """Encode; a refusal of ours loses its stack trace and cause."""
        super().to_failure(exception, payload_converter, failure)
        if isinstance(exception, ApplicationError) and exception.type in REFUSALS:
            failure.stack_trace = ""
            failure.ClearField("cause")


def for_cases(converter: DataConverter = pydantic_data_converter) -> DataConverter:
    """The data converter of a worker or replayer, made of its client's; a codec stays."""
    return replace(converter, payload_converter_class=CasePayloadConverter, failure_converter_class=WordsOnly)
