"""A faulty process is reported in its author's words, and every other process goes on."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from aftersales.authoring.process_check import broken_invariants, led_on_by_orders, missing, unregistered, worker_faults
from tests.support.places import PACKAGES, ROOT
from tests.support.programs.preloaded import Preloaded, preloaded
from workflows.registry import FAULTS, PROCESSES, REGISTERED

CHART, CASE, WORKFLOW = "statecharts/claim_1688.py", "cases/claim_1688.py", "workflows/claim_1688.py"
ACTIVITIES, REGISTRY = "activities/claim_1688.py", "workflows/registry.py"
KEPT = [name for name in PROCESSES if name in ("claim_1688", "jd_delay_card", "jd_shipment")]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages with a few processes, since each test checks all that there are."""
    copy = tmp_path_factory.mktemp("packages")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package)
    shutil.copy(ROOT / "worker.py", copy)
    for process in set(PROCESSES) - set(KEPT):
        for module in copy.rglob(f"{process}.py"):
            module.unlink()
    registry = copy / REGISTRY
    lines = registry.read_text(encoding="utf-8").splitlines(keepends=True)
    left_out = tuple(f'    "{process}": ' for process in PROCESSES if process not in KEPT)
    registry.write_text("".join(line for line in lines if not line.startswith(left_out)), encoding="utf-8")
    return copy


@pytest.fixture
def tree(whole: Path, tmp_path: Path) -> Path:
    """A tree of links to them, in which a test plants faults."""
    return shutil.copytree(whole, tmp_path, copy_function=os.link, dirs_exist_ok=True)


@pytest.fixture(scope="session")
def programs() -> Iterator[Preloaded]:
    with preloaded() as server:
        yield server


@pytest.fixture
def run(tree: Path, programs: Preloaded) -> Run:
    return partial(programs.run, tree)


def spoil(tree: Path, file: str, old: str, new: str) -> None:
    path = tree / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.unlink()  # what it links to stays as it is
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


FILE_APPEAL = 'file_appeal = submits("file_appeal", "在控制台发起申诉")'
FILE_APPEAL_UNTIL = 'from statecharts.rules import do; file_appeal = do("file_appeal", "在控制台发起申诉", until={0})'


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (CHART, 'form="appeal"', 'form="appael"', "appeal: no form 'appael' in ClaimCase.forms; there are: appeal"),
        (
            CHART,
            "processing.to(established)),\n        figure",
            'processing.to(established, cond="unansered")),\n        figure',
            "guard 'unansered' is not a property of ClaimCase",
        ),
        (
            CHART,
            'under("CL-4", processing.to(compensated, on=agree_to_pay))',
            "processing.to(compensated, on=agree_to_pay)",
            "statecharts/claim_1688.py:38: rule '同意赔付': 平台处理中 -> 已同意赔付 is not under a clause",
        ),
        (
            CHART,
            "    withdraw = by(",
            "    forget = processing.to(dismissed)\n    withdraw = by(",
            "Claim1688.forget is not a rule",
        ),
        (
            CHART,
            FILE_APPEAL,
            FILE_APPEAL_UNTIL.format('("withdrew",)'),
            "until names no rule of the process: 'withdrew'",
        ),
        (CHART, 'by(Party.BUYER, "撤销投诉", ', 'by("撤销投诉", ', "has no party: write by(Party.MERCHANT"),
        (
            CHART,
            'figure="answering",',
            'figure="answering", reminders="warnings",',
            "no figure 'warnings' in ClaimPolicy",
        ),
        (CASE, ", clocks=(Claim1688,)", "", "no figure 'answering' in ClaimPolicy"),
        (CHART, 'dismissed = State("理赔不成立", final=True)', 'dismissed = State("理赔不成立")', "dismissed"),
        (
            CHART,
            'dismissed = State("理赔不成立", final=True)',
            'dismissed = State("理赔不成立", final=True)\n    lost = State("丢失", final=True)',
            "unreachable states",
        ),
        (CHART, "processing.to(established)),\n        figure", "stays(processing)),\n        figure", "never stops"),
        (CHART, '"48h",', '"two days",', "cases/claim_1688.py:"),
        (CHART, "processing = State(", "procesing = State(", "NameError: name 'processing' is not defined"),
        (
            CHART,
            "class Claim1688(CaseChart):",
            "class Claim1688(CaseChart)",
            "SyntaxError: expected ':'",
        ),
        (
            REGISTRY,
            '"claim_1688": "alibaba_1688"',
            '"claim_1689": "alibaba_1688"',
            "workflows/claim_1689.py is missing",
        ),
        (
            WORKFLOW,
            "PROCESS = ",
            "CLAIM = ",
            "workflows/claim_1688.py must contain PROCESS = Process(...)",
        ),
        (WORKFLOW, 'Process("claim_1688"', 'Process("claim_1687"', "calls its process 'claim_1687'"),
        (
            CHART,
            FILE_APPEAL,
            FILE_APPEAL_UNTIL.format('"withdraw"'),
            "statecharts/claim_1688.py:9: effect 'file_appeal': until takes a tuple of rules: write until=",
        ),
        (CHART, "of=Party.MERCHANT,", 'of="merchant",', "of must be a party: write of=Party.MERCHANT"),
        (CHART, '"48h",', '"0s",', "platform_decides: a clock of 0s never waits: write always(...)"),
        (CHART, "on=agree_to_pay", 'on="agree_to_pay"', "Did not found name 'agree_to_pay'"),
        (CHART, "from statemachine import State", "raise SystemExit(3)", "statecharts/claim_1688.py:3: SystemExit: 3"),
        (
            CHART,
            "processing.to(established)),\n        figure",
            'processing.to(established, cond="unansered")),\n        figure',
            "statecharts/claim_1688.py:49: guard 'unansered'",
        ),
        (
            CHART,
            'submits("submit_evidence", "在控制台补充凭证"',
            'submits("file_appeal", "补充凭证"',
            "statecharts/claim_1688.py:9: effect 'file_appeal' is declared twice, and differently",
        ),
        (CASE, "    facts: ClaimFacts\n", "", "ClaimCase does not say which facts it has: write facts: XFacts"),
        (CASE, "    policy: ClaimPolicy = ClaimPolicy()\n", "", "ClaimCase does not say which policy it has"),
        (CASE, "def samples(", "def sample(", "ClaimCase has no samples()"),
        (
            CASE,
            "    def amount(self",
            "    def due(self, figure, entered):\n        return self.nope\n\n    def amount(self",
            "AttributeError: 'ClaimCase' object has no attribute 'nope'",
        ),
        (
            WORKFLOW,
            "Claim1688, ClaimCase, hears",
            "ClaimCase, Claim1688, hears",
            "ClaimCase is not a chart: write Process(",
        ),
    ],
)
def test_a_fault_is_said_in_words_and_the_other_processes_are_loaded(
    tree: Path, run: Run, file: str, old: str, new: str, said: str
) -> None:
    spoil(tree, file, old, new)
    name = "claim_1689" if file == REGISTRY else "claim_1688"

    loaded = run(
        "-c", "from workflows.registry import FAULTS, PROCESSES; print(*PROCESSES, *FAULTS.values(), sep='\\n')"
    )

    assert (loaded.returncode, loaded.stderr) == (0, "")
    *others, fault = loaded.stdout.splitlines()
    assert others == [process for process in KEPT if process != "claim_1688"]
    assert fault.startswith(f"process {name}: ")
    assert said in fault


def test_commands_of_other_processes_go_on_and_the_worker_does_not_start(tree: Path, run: Run) -> None:
    spoil(tree, CHART, "processing = State(", "procesing = State(")
    said = "process claim_1688: statecharts/claim_1688.py:36: NameError: name 'processing' is not defined"

    book = run("-m", "aftersales.cli.main", "rulebook", "jd_delay_card")
    worker, command = run("worker.py"), run("-m", "aftersales.cli.main", "worker")

    assert (book.returncode, book.stderr) == (0, "")  # it loads no process but its own
    assert "卡片已发送" in book.stdout
    assert (worker.returncode, worker.stderr.splitlines()) == (2, [f"worker: {said}"])
    assert (command.returncode, command.stderr.splitlines()) == (2, [f"aftersales: {said}"])


def test_a_faulty_process_is_refused_by_its_name_and_named_by_the_check(tree: Path, run: Run) -> None:
    spoil(tree, CHART, 'form="appeal"', 'form="appael"')

    refused = run("-m", "aftersales.cli.main", "rulebook", "claim_1688")
    checked = run("-m", "aftersales.cli.main", "rulebook", "--check")

    assert (refused.returncode, refused.stdout) == (2, "")
    assert "no form 'appael'" in refused.stderr
    assert (checked.returncode, checked.stdout.split()) == (
        1,
        [part for name in KEPT if name != "claim_1688" for part in (f"{name}:", "ok")],
    )
    assert "no form 'appael'" in checked.stderr


def test_a_scenario_of_another_process_is_played(tree: Path, run: Run) -> None:
    spoil(tree, CHART, 'form="appeal"', 'form="appael"')
    scenario = ROOT / "examples" / "scenarios" / "jd_delay_card_accepted.yaml"

    played = run("-m", "aftersales.cli.main", "simulate", str(scenario))

    assert played.returncode == 0, played.stderr
    [warning] = played.stderr.splitlines()
    assert "no form 'appael'" in warning


def test_a_process_with_an_adapter_stops_no_other_either(tree: Path, run: Run) -> None:
    spoil(tree, "statecharts/jd_delay_card.py", "    expired = State(", "    exipred = State(")
    scenario = ROOT / "examples" / "scenarios" / "claim_1688_compensated.yaml"

    played = run("-m", "aftersales.cli.main", "simulate", str(scenario))

    assert played.returncode == 0, played.stderr
    [warning] = played.stderr.splitlines()
    assert "NameError: name 'expired' is not defined" in warning


CIRCLE = (
    '    ping = always("去", under("CL-9", appealed.to(processing{0})))\n'
    '    pong = always("回", under("CL-9", processing.to(appealed{0})))\n'
    "    withdraw = by("
)


APPROVAL = """    approve_at_once = always(
        "平台即时判定成立",
        under("CL-1", processing.to(established, cond="judged_at_opening"), new_in="2026-11-27"),
    )
"""
"""The chart's own ``always`` rule of that state, which might lead out of the circle."""

APPLIES_WITHOUT_END = """    def apply(self, rule, form, at):
        return self.model_copy(update={"seen": (*self.seen, rule)})

    def amount(self"""


def with_a_circle(tree: Path, condition: str) -> None:
    spoil(tree, CHART, "    withdraw = by(", CIRCLE.format(condition))
    spoil(tree, CHART, APPROVAL, "")


def test_a_circle_of_always_is_refused_on_loading(tree: Path, run: Run) -> None:
    with_a_circle(tree, "")

    worker, up = run("worker.py"), run("-m", "aftersales.cli.main", "up")

    said = "process claim_1688: statecharts/claim_1688.py:53: ping, pong: always leads from 'appealed' back to it"
    assert worker.returncode == up.returncode == 2
    assert said in worker.stderr
    assert said in up.stderr


def test_up_refuses_a_faulty_process_before_it_starts_anything(tree: Path, run: Run) -> None:
    spoil(tree, CHART, 'form="appeal"', 'form="appael"')

    refused = run("-m", "aftersales.cli.main", "up")

    assert (refused.returncode, refused.stdout) == (2, "")
    [line] = refused.stderr.splitlines()
    assert "statecharts/claim_1688.py:39: appeal: no form 'appael'" in line
    assert not (tree / ".aftersales").exists()


def test_the_check_names_a_circle_of_always_with_conditions_and_nothing_that_follows_from_it(
    tree: Path, run: Run
) -> None:
    with_a_circle(tree, ', cond="known"')
    guard = '    @property\n    def known(self) -> bool:\n        """已知"""\n        return True\n\n'
    spoil(tree, CASE, "    @property\n    def terms", f"{guard}    @property\n    def terms")

    checked = run("-m", "aftersales.cli.main", "rulebook", "--check", "claim_1688")

    assert (checked.returncode, checked.stderr.splitlines()) == (
        1,
        ["aftersales: process claim_1688: Claim1688: always leads in a circle, without end: ping, pong"],
    )


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (
            [
                (CASE, "    facts: ClaimFacts\n", "    facts: ClaimFacts\n    seen: tuple[str, ...] = ()\n"),
                (
                    CASE,
                    "    def amount(self",
                    APPLIES_WITHOUT_END,
                ),
            ],
            "Claim1688: what a case knows in state processing grows without end",
        ),
        ([(CASE, 'return self.compensation if effect == "pay_compensation" else None', "return self.nope")], "'nope'"),
        ([(ACTIVITIES, "EFFECTS: Mapping[str, How] =", "EFFECTS = =")], "activities/claim_1688.py:10: SyntaxError"),
        (
            [(ACTIVITIES, "EFFECTS: Mapping[str, How] = {", "EFFECTS = []\nX = {")],
            "EFFECTS is not a mapping of effects",
        ),
        (
            [(ACTIVITIES, '"submit_evidence": ConsoleTask', '"submit_evidence": dict')],
            "effect 'submit_evidence' is neither PLATFORM_CALL nor a ConsoleTask, nor a function of the ledger: {",
        ),
        ([(REGISTRY, '"alibaba_1688"', '"ebay"')], "no marketplace 'ebay' in aftersales/platforms; there are: "),
    ],
)
def test_the_check_names_the_fault_and_goes_on_with_the_others(
    tree: Path, run: Run, spoilt: list[tuple[str, str, str]], said: str
) -> None:
    for file, old, new in spoilt:
        spoil(tree, file, old, new)

    checked = run("-m", "aftersales.cli.main", "rulebook", "--check")

    assert checked.returncode == 1
    assert "Traceback" not in checked.stderr
    [line] = checked.stderr.splitlines()
    assert line.startswith("aftersales: process claim_1688: ")
    assert said in line
    assert checked.stdout.split()[::2] == [f"{name}:" for name in KEPT if name != "claim_1688"]


def test_a_faulty_adapter_is_named_and_keeps_the_worker_from_starting(tree: Path, run: Run) -> None:
    adapter = "aftersales/platforms/jd/jd_delay_card.py"
    spoil(tree, adapter, "class JdDelayCardAdapter", "class = JdDelayCardAdapter")

    checked, worker = run("-m", "aftersales.cli.main", "rulebook", "--check"), run("worker.py")

    said = f"process jd_delay_card: {adapter}:"
    assert (checked.returncode, worker.returncode) == (1, 2)
    assert said in checked.stderr
    assert worker.stderr.startswith(f"worker: {said}")
    assert "SyntaxError" in worker.stderr


def test_an_effect_without_an_activity_keeps_the_worker_from_starting(tree: Path, run: Run) -> None:
    spoil(tree, ACTIVITIES, '"file_appeal"', '"file_apeal"')

    worker = run("worker.py")

    assert worker.returncode == 2
    assert worker.stderr.splitlines() == [
        "worker: process claim_1688: effect 'file_appeal' has no activity in activities/claim_1688.py",
        "worker: process claim_1688: activities/claim_1688.py has an activity for 'file_apeal', which no chart names",
    ]


def test_the_check_names_what_only_exploring_finds_and_what_is_not_registered(tree: Path, run: Run) -> None:
    shutil.copy(tree / CHART, tree / "statecharts" / "claim_1699.py")
    spoil(tree, CASE, "def samples(cls) -> list[Self]:", "def samples(cls) -> list[Self]:\n        return []\n")

    checked = run("-m", "aftersales.cli.main", "rulebook", "--check")

    assert checked.returncode == 1
    assert "statecharts/claim_1699.py is not registered" in checked.stderr
    assert "process claim_1688: Claim1688: state 'processing' is unreachable" in checked.stderr


def test_the_processes_of_the_product_have_no_fault() -> None:
    assert FAULTS == {}
    assert list(REGISTERED) == list(PROCESSES)
    assert (worker_faults(), unregistered()) == ([], [])
    for process in PROCESSES.values():
        assert [*missing(process), *broken_invariants(process)] == []


def test_only_a_chart_with_orders_beside_it_is_led_on_by_them() -> None:
    split, reship = PROCESSES["anxinjian_split"], PROCESSES["douyin_reship"]

    assert led_on_by_orders(split, split.chart_samples[0], "working")
    assert not led_on_by_orders(split, split.chart_samples[1], "delivered")
    assert not led_on_by_orders(reship, reship.chart_samples[0], "arbitration")
