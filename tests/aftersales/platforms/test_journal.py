"""The journal of calls survives crashes of the process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from aftersales.platforms.journal import Journal
from tests.support.patience import PATIENCE_SECONDS
from tests.support.places import ROOT


def keys(path: Path) -> list[str]:
    return [json.loads(line)["key"] for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]


def test_a_key_is_written_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new" / "platform.jsonl")
    assert [journal.write("k1", {"n": 1}), journal.write("k1", {"n": 2}), journal.write("k2", {"n": 3})] == [
        True,
        False,
        True,
    ]
    assert keys(tmp_path / "new" / "platform.jsonl") == ["k1", "k2"]
    assert journal.rows["k1"] == {"key": "k1", "n": 1}


def test_the_next_process_knows_what_the_last_one_did(tmp_path: Path) -> None:
    Journal(tmp_path / "j").write("k1", {})
    again = Journal(tmp_path / "j")
    assert not again.write("k1", {})
    assert again.write("k2", {})
    assert keys(tmp_path / "j") == ["k1", "k2"]


def test_without_a_path_it_is_kept_in_memory() -> None:
    journal = Journal()
    assert journal.write("k1", {})
    assert not journal.write("k1", {})


WHOLE = json.dumps({"key": "案件/2", "effect": "同意"}, ensure_ascii=False).encode()


@pytest.mark.parametrize("cut", range(1, len(WHOLE)))
def test_a_last_line_torn_anywhere_counts_as_not_written(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "j"
    Journal(path).write("k1", {})
    with path.open("ab") as file:
        file.write(WHOLE[:cut])
    journal = Journal(path)
    assert list(journal.rows) == ["k1"]
    assert journal.write("案件/2", {})
    assert list(Journal(path).rows) == ["k1", "案件/2"]


def test_two_processes_take_in_what_the_other_wrote(tmp_path: Path) -> None:
    first, second = Journal(tmp_path / "j"), Journal(tmp_path / "j")
    assert [first.write("k1", {}), second.write("k1", {}), second.write("k2", {}), first.write("k2", {})] == [
        True,
        False,
        True,
        False,
    ]
    assert first.write("k3", {})
    assert second.rows.keys() == {"k1", "k2"}
    assert not second.write("k3", {})
    assert keys(tmp_path / "j") == ["k1", "k2", "k3"]


def test_a_file_that_was_cut_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal(path)
    journal.write("k1", {"note": "long" * 20})
    path.write_text('{"key": "k2"}\n', encoding="utf-8")
    assert not journal.write("k2", {})
    assert journal.write("k3", {})
    assert keys(path) == ["k2", "k3"]


@pytest.mark.parametrize("junk", ["3", "null", "[]", '{"effect": "x"}', '"key"'])
def test_a_line_that_is_not_a_row_is_skipped(tmp_path: Path, junk: str) -> None:
    path = tmp_path / "j"
    path.write_text(f'{junk}\n{{"key": "k1"}}\n', encoding="utf-8")
    assert list(Journal(path).rows) == ["k1"]


def test_a_write_that_fails_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.mkdir()
    journal = Journal()
    journal._path = path
    with pytest.raises(IsADirectoryError):
        journal.write("k1", {})
    path.rmdir()
    assert journal.write("k1", {})
    assert keys(path) == ["k1"]


def test_rows_with_odd_line_separators_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "j"
    Journal(path).write("k\u2028\x85", {"note": "a\u2029b"})
    assert list(Journal(path).rows) == ["k\u2028\x85"]


def test_two_journals_of_one_file_write_a_key_once(tmp_path: Path) -> None:
    one, other = Journal(tmp_path / "j"), Journal(tmp_path / "j")
    assert [one.write("k1", {"n": 1}), other.write("k1", {"n": 2}), other.write("k2", {}), one.write("k2", {})] == [
        True,
        False,
        True,
        False,
    ]
    assert keys(tmp_path / "j") == ["k1", "k2"]
    assert other.rows["k1"] == {"key": "k1", "n": 1}


def test_a_line_that_lacks_only_its_end_counts(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(WHOLE)
    assert not Journal(path).write("案件/2", {})
    assert Journal(path).write("k3", {})
    assert list(Journal(path).rows) == ["案件/2", "k3"]


WRITING = """
import sys
from pathlib import Path
from aftersales.platforms.journal import Journal
journal = Journal(Path(sys.argv[1]))
sys.stdin.readline()
print(sum(journal.write(f"k{number}", {"text": "x" * 5000}) for number in range(100)))
"""


def test_processes_that_write_the_same_keys_at_once_write_each_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "j"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITING, str(path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    written = [int(writer.communicate(timeout=PATIENCE_SECONDS)[0]) for writer in writers]
    assert sum(written) == 100
    assert sorted(keys(path)) == sorted(f"k{number}" for number in range(100))
