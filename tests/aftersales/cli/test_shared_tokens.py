"""``AFTERSALES_TOKENS_DIR``: one folder of access tokens for programs on several machines."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from aftersales import bootstrap
from aftersales.cli.main import app
from aftersales.cli.running import running_gateway
from aftersales.monitoring.monitor import Monitor
from aftersales.runtime.settings import Settings, load_settings
from tests.support.programs.programs import free_port


class StoreOpened(Exception):
    """The folder that a program opened."""


async def nobody() -> Any:
    raise AssertionError("nothing is connected to")


PROGRAMS: dict[str, tuple[Any, Callable[[Settings], AbstractAsyncContextManager[Any]]]] = {
    "worker": (bootstrap, lambda settings: bootstrap.open_dependencies(settings, None)),  # type: ignore[arg-type]
    "gateway": (running_gateway, lambda settings: running_gateway.running_gateway(settings, nobody, Monitor())),
}


@pytest.mark.parametrize("program", PROGRAMS)
async def test_worker_and_gateway_keep_tokens_where_the_setting_says(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(folder: Path) -> None:
        raise StoreOpened(folder)

    module, start = PROGRAMS[program]
    monkeypatch.setattr(module, "TokenStore", opened)
    secrets = tmp_path / "secrets.yaml"
    secrets.touch(mode=0o600)
    secrets.write_text("{}")
    settings = load_settings(
        data_dir=tmp_path / "data",
        tokens_dir=tmp_path / "shared" / "tokens",
        secrets_file=secrets,
        gateway_port=free_port(),
    )

    with pytest.raises(StoreOpened, match=str(tmp_path / "shared" / "tokens")):
        async with start(settings):
            pass


def test_without_the_setting_they_are_in_the_data_folder(tmp_path: Path) -> None:
    assert load_settings(data_dir=tmp_path).tokens_folder == tmp_path / "tokens"


def command(*arguments: str | Path) -> None:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.stderr


def test_a_backup_has_them_and_is_put_back_where_they_belong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared" / "tokens"
    shared.mkdir(parents=True)
    token = shared / "douyin-1001.json"
    token.write_text(json.dumps({"access_token": "a", "use_until": 1}))
    for name, path in (("DATA", tmp_path / "data"), ("TOKENS", shared)):
        monkeypatch.setenv(f"AFTERSALES_{name}_DIR", str(path))
    command("backup", tmp_path / "backup")
    token.unlink()

    command("restore", tmp_path / "backup")

    assert json.loads(token.read_text())["access_token"] == "a"  # noqa: S105 - what was backed up
    assert not (tmp_path / "data" / "tokens").exists()


def test_tokens_that_have_outlived_the_data_folder_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "tokens"
    shared.mkdir()
    token = shared / "douyin-1001.json"
    token.write_text("old")
    for name, path in (("DATA", tmp_path / "data"), ("TOKENS", shared)):
        monkeypatch.setenv(f"AFTERSALES_{name}_DIR", str(path))
    command("backup", tmp_path / "backup")
    token.write_text("renewed since")

    command("restore", tmp_path / "backup")

    assert token.read_text() == "renewed since"
