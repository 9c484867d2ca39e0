"""Files of keys."""

from pathlib import Path
from typing import Any

import yaml

from aftersales.runtime.encryption.key_ring import new_key

READER, TOKEN = "ann", "a token of sixteen characters or more"


def key_file(path: Path, *key_ids: str, **fields: Any) -> Path:
    """Write a file with new keys, readable by its owner alone."""
    return rewritten(path, {"keys": {key_id: new_key() for key_id in key_ids}, **fields})


def rewritten(path: Path, content: Any) -> Path:
    """Replace a file by another one, as whoever rotates a secret does."""
    beside = path.with_name(f"{path.name}.beside")
    beside.touch(0o600)
    beside.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False), "utf-8")
    return beside.replace(path)


def content_of(path: Path) -> dict[str, Any]:
    """Return what a file says."""
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))
