"""Changes of the keys which encrypt what Temporal stores."""

from pathlib import Path
from typing import Any

import yaml

from aftersales.cli.exit_status import REFUSED
from aftersales.cli.output import print_json, print_table, say
from aftersales.runtime.encryption.key_ring import KeyFile, new_key, new_token, read_keys
from aftersales.runtime.encryption.key_use import key_use
from aftersales.runtime.secret_files import write_secret_file
from aftersales.runtime.settings import load_settings
from aftersales.runtime.temporal.connection import connect
from cases.errors import BadForm
from cases.models import read


async def rekey(file: Path | None, *, add: str | None, use: str | None, reader: str | None, as_json: bool) -> int:
    """Change the file of keys or, without a change, say which keys are still needed; return the exit status."""
    path = file or load_settings().keys_file
    if path is None:
        raise BadForm("AFTERSALES_KEYS_FILE: 缺少 / is not set: the YAML file with the keys")
    if add is None and use is None and reader is None:
        return await _needed(path, as_json=as_json)
    _change(path, add=add, use=use, reader=reader)
    return 0


def _change(path: Path, *, add: str | None, use: str | None, reader: str | None) -> None:
    written: dict[str, Any] = {"keys": {}}
    if path.exists() or add is None:
        read_keys(path)
        written = yaml.safe_load(path.read_text(encoding="utf-8"))
    if add is not None:
        if add in written["keys"]:
            raise BadForm(f"{path}: {add!r}: 已有这个密钥 / there is such a key already")
        # The key that encrypts is named: a new one must be known everywhere before it does.
        written.setdefault("encrypt_with", next(iter(written["keys"]), add))
        written["keys"][add] = new_key()
    if use is not None:
        written["encrypt_with"] = use
    if reader is not None:
        written.setdefault("readers", {})[reader] = new_token()
    checked = read(KeyFile, written, str(path))
    write_secret_file(path, yaml.safe_dump(written, sort_keys=False, allow_unicode=True))
    say(f"{path}: {', '.join(checked.keys)}; {checked.encrypt_with or next(iter(checked.keys))} encrypts")


async def _needed(path: Path, *, as_json: bool) -> int:
    keys = read_keys(path)
    found = await key_use(await connect())
    encrypts = keys.encrypt_with or next(iter(keys.keys))
    rows = {
        key_id: {
            "in_file": key_id in keys.keys,
            "encrypts": key_id == encrypts,
            "runs": found.runs[key_id],
            "schedules": found.schedules[key_id],
        }
        for key_id in dict.fromkeys([*keys.keys, *found.runs, *found.schedules])
    }
    missing = any(not row["in_file"] for row in rows.values())
    if as_json:
        print_json({"keys": rows, "runs_in_the_clear": found.clear, "runs": found.looked_at})
        return REFUSED if missing else 0
    header = ("密钥 / key", "案件 / runs", "定时任务 / schedules", "")
    print_table(f"{path}", header, [[key, row["runs"], row["schedules"], _verdict(row)] for key, row in rows.items()])
    say(f"{found.looked_at} runs, {found.clear} with data in the clear")
    return REFUSED if missing else 0


def _verdict(row: dict[str, Any]) -> str:
    if not row["in_file"]:
        return "缺少 / missing"
    if row["encrypts"]:
        return "用于加密 / encrypts"
    return "仍需保留 / still needed" if row["runs"] or row["schedules"] else "可以删除 / may be removed"
