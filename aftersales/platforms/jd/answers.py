"""JD's answers: their envelope, and the errors that it reports in them."""

from collections.abc import Mapping
from typing import Any

from aftersales.platforms.wording import platform_words
from cases.errors import ClockWrong, PlatformRefused, PlatformUnreachable

# T: known from third-party code alone.
_ERROR = {"envelope": "error_response", "code": "code", "chinese": "zh_desc", "english": "en_desc"}
# T: calls limited, and the three codes for services behind the gateway that do not answer.
_BUSY = frozenset({"2", "65", "66", "67"})
# T: the gateway's code for a timestamp that is not its own; a method may use the number for something else.
_CLOCK_WRONG = "8"


def opened(method: str, answer: Any) -> dict[str, Any]:
    """Return what an answer's envelope holds; raises the error that the platform reports."""
    body = answer if isinstance(answer, dict) else {}
    error = body.get(_ERROR["envelope"])
    if isinstance(error, dict):
        raise _of_gateway(method, error)
    inner = body.get(f"{method.replace('.', '_')}_responce")  # so spelled by JD
    if not isinstance(inner, dict):
        raise unclear(method)
    if str(inner.get("code", "0")) != "0":
        raise _of_gateway(method, inner)
    return inner


def _of_gateway(method: str, error: Mapping[str, Any]) -> PlatformRefused | PlatformUnreachable:
    code, chinese, english = (error.get(_ERROR[name]) for name in ("code", "chinese", "english"))
    if str(code) == _CLOCK_WRONG:
        text = platform_words(chinese, english)
        return ClockWrong(f"{method}: 京东不接受本机时间 / JD does not take our time: {text} [{code}]")
    return refused(method, code, chinese, english)


def part_of(method: str, answer: Mapping[str, Any], name: str, code: str = "numberCode") -> dict[str, Any]:
    """Return the named part of an answer, which says in it or in its ``apiResult`` whether the call succeeded.

    Raises the error that it reports; ``code`` names the field with JD's code.
    """
    part = answer.get(name)
    if not isinstance(part, dict):
        raise unclear(method)
    result = part.get("apiResult", part)
    if isinstance(result, dict) and "success" in result and not _yes(result["success"]):
        raise refused(method, result.get(code), result.get("chineseErrCode"), result.get("englishErrCode"))
    return part


def refused(method: str, code: Any, chinese: Any, english: Any) -> PlatformRefused | PlatformUnreachable:
    """Return the error for what JD reports: unreachable if a retry may help, otherwise a refusal."""
    text = platform_words(chinese, english)
    if str(code) in _BUSY:
        return PlatformUnreachable(f"{method}: 京东繁忙 / JD is busy: {text} [{code}]")
    return PlatformRefused(f"{method}: 京东拒绝 / JD refused: {text} [{code}]")


def unclear(method: str) -> PlatformUnreachable:
    """Return the error for an answer that does not have JD's form."""
    return PlatformUnreachable(f"{method}: 京东返回内容无法理解 / JD's answer cannot be understood")


def _yes(value: Any) -> bool:
    return value in (True, "true", "1")  # JD writes a boolean also as a number or as text
