"""Secret files: YAML that only its owner may access and that errors never quote."""

import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, Field, SecretStr, StringConstraints

from aftersales.runtime.data_folder import write_private
from cases.errors import BadForm
from cases.models import read

_GROUP_AND_OTHERS = 0o077
_SHORTEST_SECRET = 32
_MOUNTED = 0o440
"""The mode of a secret that Kubernetes mounts for a group (``fsGroup``): of root, and nobody may write it."""


def _not_padded(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if text != text.strip():
        raise ValueError("首尾有空格或换行 / begins or ends with white space")
    return secret


Secret = Annotated[SecretStr, Field(min_length=1), AfterValidator(_not_padded)]
"""A text that logs, errors and reprs hide, without the white space that is easily copied with it."""
Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#]+$"), AfterValidator(lambda url: url.rstrip("/"))]
"""A platform's base address, without a trailing slash."""

Model = TypeVar("Model", bound=BaseModel)


def duplicate(names: Sequence[str]) -> str | None:
    """Return the first name that appears twice, None if all are different."""
    return next((name for name in names if names.count(name) > 1), None)


def read_secret_file(model: type[Model], path: Path) -> Model:
    """Read the file; raises BadForm that names file and field, or if others than its owner may access it."""
    raw = _load(path)
    try:
        return read(model, raw, str(path))
    except BadForm as bad:
        text, place = str(bad), bad.place
    raise BadForm(text, place)  # without its cause, which quotes the input


def write_secret_file(path: Path, text: str, *, replace: bool = True) -> None:
    """Write a file as ``write_private`` does; raises BadForm that names the file, and FileExistsError as that does."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, text.encode(), replace=replace)
    except FileExistsError:
        raise
    except OSError as error:
        raise BadForm(f"{path}: 无法写入 / cannot be written: {error.strerror}") from error


def kept_secret(path: Path) -> str:
    """Return the secret of a file, which is made with the first question."""
    if not path.exists():
        with suppress(FileExistsError):  # another program was quicker: its secret counts
            write_secret_file(path, f"{secrets.token_urlsafe(48)}\n", replace=False)
    try:
        with path.open(encoding="utf-8") as file:
            _refuse_others(path, file.fileno())
            secret = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "UTF-8"
        raise BadForm(f"{path}: 无法读取 / cannot be read: {why}") from None
    if len(secret) < _SHORTEST_SECRET:
        raise BadForm(f"{path}: 至少 {_SHORTEST_SECRET} 个字符 / expected at least {_SHORTEST_SECRET} characters")
    return secret


def _refuse_others(path: Path, file: int) -> None:
    status = os.fstat(file)
    mode = status.st_mode
    if mode & _GROUP_AND_OTHERS and not (stat.S_IMODE(mode) == _MOUNTED and status.st_uid == 0):
        actual = f"{mode & 0o777:04o}"
        raise BadForm(f"{path}: 其他用户可访问 / others may access it (mode {actual}): chmod 600")


def _load(path: Path) -> object:
    try:
        with path.open("rb") as file:
            _refuse_others(path, file.fileno())
            return yaml.safe_load(file)
    except OSError as error:
        raise BadForm(f"{path}: 无法读取 / cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError) as error:
        # The parser's message quotes the line, perhaps with a secret.
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        fault = f"{path}: 不是有效的 YAML / not valid YAML{where}"
    raise BadForm(fault)
