"""Files that people hand over: exports, workbooks, mappings, case files, scenarios and the figures of shops."""

import io
import json
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from aftersales.files.documents import BadFile
from aftersales.importing.case_files import read_case, read_shops
from aftersales.importing.exports import read_export
from aftersales.importing.mapping import read_mapping
from aftersales.simulation.scenario import Scenario
from proofs.fuzzing.spoiling import ODD_TEXTS, deep, garbled, json_bytes, spoilt
from proofs.fuzzing.target import BadOutcome, FuzzTarget, check_told, folder
from tests.support.places import EXAMPLES
from tests.support.records.exporting import HEADER, RESHIPS, Exported, as_csv, row
from tests.support.records.workbook_bytes import cell, text_cell, write_workbook

NOW = datetime(2026, 1, 5, 1, tzinfo=UTC)
BOMB = 'a: &a ["x","x","x","x","x","x","x","x","x"]\n' + "".join(
    f"{chr(98 + step)}: &{chr(98 + step)} [{','.join([f'*{chr(97 + step)}'] * 9)}]\n" for step in range(9)
)


def _written(name: str, content: bytes) -> Path:
    path = folder() / name
    path.write_bytes(content)
    return path


def _read(name: str, content: bytes, read: Callable[[Path], Any]) -> None:
    """Let a file be read; what is wrong with it must be told with its name."""
    path = _written(name, content)
    try:
        read(path)
    except BadFile as told:
        check_told(told)
        if str(path) not in str(told):
            raise BadOutcome(f"the error does not name the file: {told}") from told


@cache
def _mapping() -> Any:
    return read_mapping(Exported(folder(), RESHIPS).mapping)


def take_csv(content: bytes) -> None:
    """Read a comma-separated export; each rejected row has its reason."""
    _read("export.csv", content, _read_rows)


def take_workbook(content: bytes) -> None:
    """Read a workbook."""
    _read("export.xlsx", content, _read_rows)


def _read_rows(path: Path) -> None:
    export = read_export(path, _mapping(), {})
    for rejected in export.rejected:
        rejected.reason.encode()
        if not rejected.reason.strip():
            raise BadOutcome(f"row {rejected.row.line} is rejected without a reason")
    for process, opening in export.cases:
        process.open_case(opening, opened_at=NOW)


def take_mapping(content: bytes) -> None:
    """Read a mapping of an export's columns."""
    _read("mapping.yaml", content, read_mapping)


def take_case(content: bytes) -> None:
    """Read a case file."""
    _read("case.yaml", content, lambda path: read_case(path, {}, NOW))


def take_scenario(content: bytes) -> None:
    """Read a scenario, which rehearses all of it."""
    _read("scenario.yaml", content, Scenario)


def take_shops(content: bytes) -> None:
    """Read the figures of shops."""
    _read("shops.yaml", content, read_shops)


def _documents(paths: Sequence[Path]) -> list[Any]:
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths]


def _plain(document: Any) -> Any:
    """Return a document as JSON can hold it: the dates of YAML as text."""
    return json.loads(json.dumps(document, default=str))


def _files(good: Sequence[Any], texts: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    documents = [_plain(document) for document in good]
    odd = [BOMB.encode(), deep("[", "]"), deep("{a: ", "}"), b"a: *b", b"!!python/object:os.system x", b"? {a: b}\n: c"]
    as_yaml = spoilt(documents).map(lambda one: yaml.safe_dump(one, allow_unicode=True).encode("utf-8", "replace"))
    return st.one_of(json_bytes(documents), as_yaml, garbled(texts), st.sampled_from(odd))


def _of(pattern: str) -> st.SearchStrategy[bytes]:
    paths = sorted(EXAMPLES.glob(pattern))
    return _files(_documents(paths), [path.read_bytes() for path in paths])


SHOPS = {
    "1001": {"name": "旗舰店", "douyin_reship": {"default_decision": "agree", "reminders_before": ["2h", "1h"]}},
    "1002": {"jd_delay_card": {"late_facts": "3d"}},
}
_cells = st.one_of(st.sampled_from(ODD_TEXTS), st.sampled_from(row()), st.text(max_size=12))
_rows = st.lists(st.lists(_cells, min_size=1, max_size=9), max_size=5).map(
    lambda rows: as_csv([HEADER, row(), *rows]).encode("utf-8", "surrogatepass")
)
_csv = [as_csv([HEADER, row(), row("A2")]).encode(encoding) for encoding in ("utf-8", "utf-8-sig", "gb18030", "utf-16")]


def _workbook(value: str, kind: str, style: int, name: str) -> bytes:
    path = folder() / "drawn.xlsx"
    escaped = "".join(one for one in value if one.isprintable()).replace("&", "&amp;").replace("<", "&lt;")
    write_workbook(
        path,
        "".join(map(text_cell, HEADER)),
        "".join(map(text_cell, ("A1", "O1", "少件"))) + cell(escaped, style=style, kind=kind) + text_cell(escaped),
        formats=(0, 14, 22, 164),
    )
    if name:
        with zipfile.ZipFile(path, "a") as book:
            book.writestr(name, escaped)
    return path.read_bytes()


def _packed(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for name, part in parts.items():
            book.writestr(name, part)
    return out.getvalue()


_books = st.builds(
    _workbook,
    st.sampled_from([text for text in ODD_TEXTS if "\ud800" not in text] + ["46346.378", "1e308", "-1", "2958466"]),
    st.sampled_from(["n", "s", "b", "d", "e", "str", "?"]),
    st.integers(min_value=0, max_value=9),
    st.sampled_from(["", "xl/sharedStrings.xml", "xl/worksheets/sheet2.xml", "../evil"]),
)
_other_zips = st.sampled_from(
    [_packed({}), _packed({"x": b""}), _packed({"xl/workbook.xml": b"<" * 100}), b"PK\x03\x04"]
)

TARGETS = (
    FuzzTarget("csv", st.one_of(_rows, garbled(_csv)), take_csv),
    FuzzTarget("workbook", st.one_of(_books, _books.flatmap(lambda book: garbled([book])), _other_zips), take_workbook),
    FuzzTarget("mapping", _of("exports/*.yaml"), take_mapping),
    FuzzTarget("case_file", _of("cases/*.yaml"), take_case),
    FuzzTarget("scenario", _of("scenarios/*.yaml"), take_scenario),
    FuzzTarget("shops", _files([SHOPS], [yaml.safe_dump(SHOPS, allow_unicode=True).encode()]), take_shops),
)
