"""Settings: environment variables, and the error for a bad one."""

from pathlib import Path

import pytest

from aftersales.runtime.settings import Settings, load_settings
from cases.errors import BadForm

BAD = {
    "task_queue": "",
    "log_level": "LOUD",
    "log_format": "xml",
    "max_cached_workflows": "0",
    "max_concurrent_workflow_tasks": "many",
    "max_concurrent_activities": "-1",
    "max_activities_per_second": "0",
    "max_task_queue_activities_per_second": "fast",
    "graceful_shutdown_seconds": "-0.1",
    "port": "0",
    "ui_port": "65536",
    "ui_address": "127.0.0.1:8233",
    "max_activities_per_shop_per_second": "0",
    "sandbox_port": "0",
    "gateway_host": "",
    "gateway_port": "65536",
    "gateway_body_limit": "0",
    "desk_host": "",
    "desk_port": "65536",
    "desk_address": "https://desk.example.com/below",
    "desk_trusted_proxies": "10.0.0.5, the proxy",
    "desk_idle_minutes": "0",
    "desk_login_hours": "-1",
}


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"AFTERSALES_{name.upper()}", raising=False)


def test_without_variables_the_defaults_hold() -> None:
    settings = load_settings()
    assert (settings.task_queue, settings.data_dir, settings.port, settings.ui_port) == (
        "aftersales",
        Path(".aftersales"),
        7233,
        8233,
    )


def test_without_variables_nothing_of_the_platforms_is_limited_or_let_in() -> None:
    settings = load_settings()
    assert (settings.secrets_file, settings.max_activities_per_shop_per_second) == (None, None)
    assert (settings.gateway_host, settings.gateway_port, settings.sandbox_port) == ("127.0.0.1", 8400, 8401)
    assert settings.gateway_body_limit == 1024 * 1024


def test_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERSALES_PORT", "7300")
    monkeypatch.setenv("AFTERSALES_SHOPS_FILE", "shops.yaml")
    monkeypatch.setenv("AFTERSALES_UNKNOWN", "is nobody's business")
    settings = load_settings()
    assert (settings.port, settings.shops_file) == (7300, Path("shops.yaml"))
    monkeypatch.setenv("AFTERSALES_SECRETS_FILE", "secrets.yaml")
    monkeypatch.setenv("AFTERSALES_MAX_ACTIVITIES_PER_SHOP_PER_SECOND", "2.5")
    monkeypatch.setenv("AFTERSALES_GATEWAY_HOST", "192.0.2.1")
    settings = load_settings()
    assert (settings.secrets_file, settings.max_activities_per_shop_per_second) == (Path("secrets.yaml"), 2.5)
    assert settings.gateway_host == "192.0.2.1"


def test_what_is_given_counts_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERSALES_PORT", "7300")
    monkeypatch.setenv("AFTERSALES_UI_PORT", "7301")
    settings = load_settings(port=7400, ui_port=None)
    assert (settings.port, settings.ui_port) == (7400, 7301)


@pytest.mark.parametrize(("name", "value"), BAD.items())
def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"AFTERSALES_{name.upper()}", value)
    with pytest.raises(BadForm) as caught:
        load_settings()
    assert str(caught.value).startswith(f"AFTERSALES_{name.upper()}: ")
    assert "\n" not in str(caught.value)


def test_a_bad_value_that_is_given_names_the_variable_too() -> None:
    with pytest.raises(BadForm, match=r"^AFTERSALES_PORT: "):
        load_settings(port=0)


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_ledger_is_in_the_data_folder_unless_an_address_is_given() -> None:
    assert load_settings(data_dir=Path("d")).ledger_address == Path("d/ledger.sqlite3")
    assert load_settings(ledger_url="sqlite:///x.sqlite3").ledger_address == "sqlite:///x.sqlite3"


def test_the_password_of_the_ledger_is_never_shown() -> None:
    settings = load_settings(ledger_url="postgresql+psycopg://me:hidden@host/ledger")
    assert "hidden" not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"
