"""Files that hold secrets: YAML that only its owner may read, and that no error quotes."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, Field, SecretStr, StringConstraints

from cases.errors import BadForm
from cases.models import read

OTHERS = 0o077

Secret = Annotated[SecretStr, Field(min_length=1)]
"""A text that appears in no log, error or repr."""
Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#]+$"), AfterValidator(lambda url: url.rstrip("/"))]
"""Where a platform is found, without a slash at its end."""

Model = TypeVar("Model", bound=BaseModel)


def twice(names: Sequence[str]) -> str | None:
    """The first name that is given twice, or None."""
    return next((name for name in names if names.count(name) > 1), None)


def read_secret_file(model: type[Model], path: Path) -> Model:
    """Read the file; raises BadForm that names file and field, also where others than its owner may read it."""
    raw = _load(path)
    try:
        return read(model, raw, str(path))
    except BadForm as bad:
        text, place = str(bad), bad.place
    raise BadForm(text, place)  # without its cause, which quotes what was given


def _load(path: Path) -> object:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & OTHERS:
                found = f"{mode & 0o777:04o}"
                raise BadForm(f"{path}: 其他用户可访问 / others may access it (mode {found}): chmod 600")
            return yaml.safe_load(file)
    except OSError as error:
        raise BadForm(f"{path}: 无法读取 / cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError) as error:
        # What the parser says quotes the line, and with it perhaps a secret.
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        fault = f"{path}: 不是有效的 YAML / is no valid YAML{where}"
    raise BadForm(fault)
