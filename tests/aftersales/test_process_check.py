"""A faulty process is reported in its author's words, and every other process goes on."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aftersales.process_check import broken_invariants, led_on_by_orders, missing, unregistered, worker_faults
from tests.support.places import ROOT
from workflows.registry import FAULTS, PROCESSES, REGISTERED

PACKAGES = ("statecharts", "cases", "workflows", "activities", "aftersales")
CHART, CASE, WORKFLOW = "statecharts/claim_1688.py", "cases/claim_1688.py", "workflows/claim_1688.py"
ACTIVITIES, REGISTRY = "activities/claim_1688.py", "workflows/registry.py"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the packages, in which tests plant faults."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package)
    shutil.copy(ROOT / "worker.py", tmp_path)
    return tmp_path


@pytest.fixture
def run(tree: Path) -> Run:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [sys.executable, "-P", *arguments], cwd=tree, env=environment, capture_output=True, text=True, check=False
        )

    return command


def spoil(tree: Path, file: str, old: str, new: str) -> None:
    path = tree / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


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
            "statecharts/claim_1688.py:25: rule '同意赔付': 平台处理中 -> 已同意赔付 is not under a clause",
        ),
        (
            CHART,
            "    withdraw = by(",
            "    forget = processing.to(dismissed)\n    withdraw = by(",
            "Claim1688.forget is not a rule",
        ),
        (
            CHART,
            '"在控制台发起申诉",',
            '"在控制台发起申诉", until=("withdrew",),',
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
            'class Claim1688Workflow(CaseWorkflow, process=Process("claim_1688", "1688理赔", Claim1688, ClaimCase)):',
            "class Claim1688Workflow:",
            "workflows/claim_1688.py must contain one class",
        ),
        (WORKFLOW, 'Process("claim_1688"', 'Process("claim_1687"', "calls its process 'claim_1687'"),
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
    assert others == [process for process in PROCESSES if process != "claim_1688"]
    assert fault.startswith(f"process {name}: ")
    assert said in fault


def test_commands_of_other_processes_go_on_and_the_worker_does_not_start(tree: Path, run: Run) -> None:
    spoil(tree, CHART, "processing = State(", "procesing = State(")
    said = "process claim_1688: statecharts/claim_1688.py:25: NameError: name 'processing' is not defined"

    book = run("-m", "aftersales.cli.main", "rulebook", "jd_delay_card")
    worker, command = run("worker.py"), run("-m", "aftersales.cli.main", "worker")

    assert (book.returncode, book.stderr.splitlines()) == (0, [f"aftersales: warning: {said}"])
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
        [part for name in PROCESSES if name != "claim_1688" for part in (f"{name}:", "ok")],
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
    spoil(tree, "statecharts/douyin_reship.py", "    completed = State(", "    compelted = State(")
    scenario = ROOT / "examples" / "scenarios" / "jd_delay_card_accepted.yaml"

    played = run("-m", "aftersales.cli.main", "simulate", str(scenario))

    assert played.returncode == 0, played.stderr
    [warning] = played.stderr.splitlines()
    assert "NameError: name 'completed' is not defined" in warning


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
