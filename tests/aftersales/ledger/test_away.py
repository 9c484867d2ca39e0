"""A ledger that is away: workers start and keep clocks all the same, commands say so at once."""

import socket
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from temporalio.testing import WorkflowEnvironment

from activities.dependencies import Dependencies
from aftersales.bootstrap import default_dependencies, make_worker
from aftersales.ledger.store import SqlLedger
from aftersales.runtime.settings import Settings
from cases.errors import CaseError
from tests.support.programs.embedded import settings_of
from tests.support.rules.stage import Stage
from tests.support.temporal.life import Open, fired, whole_now

NOBODY = "postgresql+psycopg://operator:hidden@127.0.0.1:1/ledger"


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a database that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"postgresql+psycopg://operator:hidden@127.0.0.1:{server.getsockname()[1]}/ledger?connect_timeout=2"


async def test_a_worker_keeps_the_clocks_of_its_cases_while_the_database_hangs(
    environment: WorkflowEnvironment, opening: Open, stage: Stage, silent: str
) -> None:
    settings = Settings(task_queue=uuid.uuid4().hex, graceful_shutdown_seconds=0.1)
    with SqlLedger(silent) as ledger:
        async with make_worker(environment.client, settings, Dependencies(stage, ledger, stage)):
            # Virtual time stands still while the ledger is being told of the first deadline.
            applied_at = whole_now() - timedelta(hours=96) + timedelta(seconds=3)
            life = await opening(task_queue=settings.task_queue, applied_at=applied_at.isoformat())
            seen = await life.until("the case to go on by its clocks", lambda seen: len(fired(seen)) == 2)
    assert fired(seen) == ["auto_agree", "miss_shipment"]


@pytest.mark.parametrize("address", [NOBODY, "postgresql+psycopg://operator:hidden@nowhere.invalid/ledger"])
def test_a_worker_starts_though_nobody_answers(tmp_path: Path, address: str) -> None:
    with default_dependencies(Settings(data_dir=tmp_path, ledger_url=address)) as dependencies:
        assert repr(dependencies.ledger).startswith("Ledger('postgresql+psycopg://")


def test_a_worker_does_not_start_with_an_address_that_is_none(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, ledger_url="mysql://u:hidden@h/d")
    with pytest.raises(CaseError, match="AFTERSALES_LEDGER_URL") as caught, default_dependencies(settings):
        pass
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("address", [NOBODY, "mysql://u:hidden@h/d"])
@pytest.mark.parametrize("command", ["up", "month"])
def test_a_command_says_at_once_that_the_ledger_cannot_be_used(
    aftersales: Callable[..., Result], tmp_path: Path, command: str, address: str
) -> None:
    done = aftersales(command, AFTERSALES_LEDGER_URL=address, **settings_of(tmp_path))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "ledger" in done.stderr
    assert "hidden" not in done.output
