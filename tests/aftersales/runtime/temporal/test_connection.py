"""The connection to Temporal."""

from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from aftersales.runtime.temporal.connection import TemporalUnreachable, connect, connect_to


@pytest.fixture(autouse=True)
def _no_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ADDRESS", "NAMESPACE", "API_KEY", "PROFILE"):
        monkeypatch.delenv(f"TEMPORAL_{name}", raising=False)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "temporal.toml"))


def address(environment: WorkflowEnvironment) -> str:
    return environment.client.service_client.config.target_host


async def test_a_profile_says_where_temporal_is(
    environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    profile = f'[profile.shop]\naddress = "{address(environment)}"\nnamespace = "shops"\n'
    (tmp_path / "temporal.toml").write_text(profile)
    monkeypatch.setenv("TEMPORAL_PROFILE", "shop")
    assert (await connect()).namespace == "shops"
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "default")
    assert (await connect()).namespace == "default"


async def test_a_server_of_our_own_is_asked_whatever_the_profile_says(
    environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    assert (await connect_to(address(environment))).namespace == "default"


@pytest.mark.parametrize("where", ["127.0.0.1:1", "no such host:7233", "nonsense"])
async def test_an_address_where_nobody_answers_is_one_line(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", where)
    with pytest.raises(TemporalUnreachable) as caught:
        await connect()
    message = str(caught.value)
    assert message.startswith(f"no Temporal server answers at {where}")
    assert "TEMPORAL_ADDRESS" in message
    assert "\n" not in message


@pytest.mark.parametrize(("text", "profile"), [("[profile", "default"), ("", "missing"), ("[profile.x]\na=1", "x")])
async def test_a_profile_that_cannot_be_read_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, profile: str
) -> None:
    (tmp_path / "temporal.toml").write_text(text)
    monkeypatch.setenv("TEMPORAL_PROFILE", profile)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    with pytest.raises(TemporalUnreachable) as caught:
        await connect()
    assert "\n" not in str(caught.value)
