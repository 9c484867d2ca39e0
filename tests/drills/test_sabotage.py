"""The proof of the drill, without its programs: a loss counts as found only by the fault that it leads to."""

import sys
from collections.abc import Callable

import pytest

from drills import sabotage
from drills.builds import WITHOUT
from drills.sabotage import SABOTAGES, main

FAULTS = {
    "idempotency": "12:00:00 WRONG douyin_reship/142: 提交凭证: 4 times instead of 2\n",
    "deduplication": (
        "12:00:00 WRONG anxinjian_split/73: rules: [('choose', None), ('choose', None)] instead of [('choose', None)]\n"
    ),
    "timer-rule": "12:00:00 WRONG jd_shipment/73: does not replay: [TMPRL1100] Nondeterminism error\n",
}


def test_every_safeguard_that_can_be_switched_off_is() -> None:
    assert set(SABOTAGES) == set(WITHOUT) == set(FAULTS)
    assert all(one.plan.without == name for name, one in SABOTAGES.items())


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_loss_is_found_only_by_its_own_fault(name: str) -> None:
    for fault, line in FAULTS.items():
        assert SABOTAGES[name].found_in(["12:00:00 0 faults\n", line]) is (fault == name)


@pytest.fixture
def drill_prints(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """Let a program stand in for the drill."""

    def prints(text: str, status: int) -> None:
        program = f"import sys; sys.stdout.reconfigure(encoding='utf-8'); print({text!r}); sys.exit({status})"
        monkeypatch.setattr(sabotage.shlex, "split", lambda _: [sys.executable, "-c", program])

    return prints


@pytest.mark.parametrize(
    ("line", "status", "expected"),
    [
        (FAULTS["idempotency"], 1, 0),
        (FAULTS["timer-rule"], 1, 1),
        ("the drill cannot run: no server", 1, 1),
        ("0 faults", 0, 1),
    ],
)
def test_a_drill_that_passes_cannot_run_or_fails_by_something_else_is_not_the_proof(
    line: str,
    status: int,
    expected: int,
    drill_prints: Callable[[str, int], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    drill_prints(line, status)
    assert main(["--only", "idempotency"]) == expected
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.endswith("without idempotency: " + ("NOT FOUND" if expected else "found"))
