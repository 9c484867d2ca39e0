"""What work-chat robots answer: HTTP status 200 even where they refuse, and the truth in the body."""

from collections.abc import Collection
from typing import Any

from cases.errors import PlatformRefused, PlatformUnreachable

TOLD = 200


def read_answer(robot: str, answer: Any, field: str, text: str, busy: Collection[int]) -> None:
    """Raise PlatformRefused where the code in ``field`` is not 0, PlatformUnreachable where it is one of ``busy``."""
    code = answer.get(field) if isinstance(answer, dict) else None
    if code == 0 and not isinstance(code, bool):
        return
    if not isinstance(code, int):
        raise PlatformUnreachable(f"{robot}: 返回内容无法理解 / the answer cannot be understood")
    said = " ".join(str(answer.get(text) or "").split())[:TOLD]
    if code in busy:
        raise PlatformUnreachable(
            f"{robot}: 机器人繁忙或超出频率限制 / the robot is busy or over its rate: {code} {said}"
        )
    raise PlatformRefused(f"{robot}: 机器人拒绝 / the robot refused: {code} {said}")


def fitting(text: str, at_most: int) -> str:
    """A text, cut where it has more bytes than a robot takes."""
    if len(text.encode()) <= at_most:
        return text
    return text.encode()[: at_most - len("…".encode())].decode(errors="ignore") + "…"
