"""The file that keeps the sandbox's state over restarts: JSON, replaced atomically."""

import json
import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from aftersales.runtime.data_folder import make_private_folder
from aftersales.sandbox.douyin.grants import Grant
from aftersales.sandbox.douyin.model import AfterSaleRecord
from aftersales.sandbox.douyin.pushing import SandboxMessage
from aftersales.sandbox.douyin.shop_orders import SandboxOrder
from cases.errors import BadForm
from cases.models import Strict


class SandboxState(Strict):
    """The state that outlives the process."""

    offset: int = 0
    issued: int = 0
    numbered: int = 0
    used_codes: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    orders: tuple[SandboxOrder, ...] = ()
    pending: tuple[SandboxMessage, ...] = ()
    records: tuple[AfterSaleRecord, ...] = ()


class StateFile:
    """A file, or nothing without a path. It contains tokens, so only its owner may read it."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._texts: dict[int, tuple[Strict, str]] = {}

    def read(self) -> SandboxState:
        """Read the state; raises BadForm that names the file if it is not valid."""
        if self._path is None or not self._path.exists():
            return SandboxState()
        try:
            return SandboxState.model_validate_json(self._path.read_bytes())
        except ValidationError as bad:
            fault = bad.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in fault["loc"])
        raise BadForm(f"{self._path}: 沙箱状态无法读取 / not a valid sandbox state: {where}: {fault['msg']}")

    def write(self, state: SandboxState) -> None:
        """Write the state."""
        if self._path is None:
            return
        texts_before, self._texts = self._texts, {}
        text = ",".join(
            f'"{name}":{self._json(getattr(state, name), texts_before)}' for name in SandboxState.model_fields
        )
        make_private_folder(self._path.parent)
        beside = self._path.with_name(f"{self._path.name}.new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(f"{{{text}}}")
        beside.replace(self._path)

    def _json(self, value: Any, texts_before: dict[int, tuple[Strict, str]]) -> str:
        if not isinstance(value, tuple):
            return json.dumps(value)
        return f"[{','.join(self._row(row, texts_before) for row in value)}]"

    def _row(self, row: Strict | str, texts_before: dict[int, tuple[Strict, str]]) -> str:
        if isinstance(row, str):
            return json.dumps(row)
        # Rows are frozen and most are unchanged: serializing all of them would make every change slow.
        _, text = self._texts[id(row)] = texts_before.get(id(row)) or (row, row.model_dump_json())
        return text
