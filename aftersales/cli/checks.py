"""The commands that need no open case: simulate, rulebook, replay."""

from pathlib import Path
from typing import Annotated, Any

import typer

from aftersales.authoring.process_check import (
    broken_invariants,
    misplaced_advice,
    missing,
    platform_faults,
    unheard,
    unregistered,
)
from aftersales.authoring.rulebook_document import figures, rulebook_document, rules, states
from aftersales.cli.exit_status import REFUSED, run
from aftersales.cli.options import AsJson
from aftersales.cli.output import complain, print_json, print_table, say
from aftersales.cli.render import print_simulation
from aftersales.runtime.connection import connect
from aftersales.runtime.logs import configure_logs
from aftersales.runtime.payload_encryption import configured_converter
from aftersales.simulation.scenario import Scenario
from aftersales.simulation.simulation import simulate
from cases.errors import BadForm, Refused
from workflows.engine.process import Process
from workflows.registry import FAULTS, PROCESSES, process_of
from workflows.replay.replayer import recorded, replay

_RULES = {
    "rule": "规则",
    "label": "名称",
    "clause": "条款",
    "who": "谁",
    "state_label": "状态",
    "conditions": "条件",
    "to_label": "变为",
    "effects": "随即",
    "clock": "时限",
}
STATES = {
    "state_label": "状态",
    "who": "谁",
    "action": "做什么",
    "rule": "规则",
    "form": "要填",
    "conditions": "条件",
    "result": "之后",
    "costs": "费用",
}
FIGURES = {
    "name": "参数",
    "label": "名称",
    "value": "值",
    "unit": "单位",
    "clause": "条款",
    "source": "来源",
    "provenance": "性质",
}


def simulate_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A scenario, YAML or JSON.")], as_json: AsJson = False
) -> None:
    """Play a case under virtual time, with the real workflow and server. Exit status 1: an expectation failed."""

    async def work() -> int:
        configure_logs("CRITICAL", "console")
        _warn()
        result, failed = await simulate(Scenario(file))
        if as_json:
            print_json(result)
        else:
            print_simulation(result)
        for line in failed:
            complain(line)
        return REFUSED if failed else 0

    run(work())


def rulebook_command(
    process: Annotated[str | None, typer.Argument(metavar="PROCESS", help="A process (default: all).")] = None,
    write: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write the documents to a folder.")] = None,
    by_state: Annotated[
        bool,
        typer.Option("--by-state", help="Print by state what may be done, until when, and what happens otherwise."),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Check the invariants instead. Exit status 1: something is wrong.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print a process's rules and every figure of its policy, with its source and provenance."""

    async def work() -> int:
        chosen = [process_of(process)] if process else list(PROCESSES.values())
        if check:
            return _check(chosen, everything=process is None)
        _warn()
        if write:
            write.mkdir(parents=True, exist_ok=True)
            for book in chosen:
                (write / f"{book.name}.md").write_text(rulebook_document(book), encoding="utf-8")
                say(f"{write / book.name}.md")
        elif as_json:
            print_json(
                {book.name: {"rules": rules(book), "states": states(book), "figures": figures(book)} for book in chosen}
            )
        elif by_state:
            for book in chosen:
                _print_rows(f"{book.label} · {book.name} 按状态查", STATES, states(book))
        else:
            for book in chosen:
                _print_rows(f"{book.label} · {book.name} 规则", _RULES, rules(book))
                _print_rows(f"{book.label} · {book.name} 参数", FIGURES, figures(book))
        return 0

    run(work())


def _check(chosen: list[Process], *, everything: bool) -> int:
    """Print what is wrong with the chosen processes; with everything, also faulty and unregistered ones."""
    wrong = [*(str(fault) for fault in FAULTS.values()), *unregistered()] if everything else []
    for process in chosen:
        faults = [
            *missing(process),
            *platform_faults(process.name),
            *broken_invariants(process),
            *unheard(process),
            *misplaced_advice(process),
        ]
        if not faults:
            say(f"{process.name}: ok")
        wrong += faults
    for line in wrong:
        complain(line)
    return REFUSED if wrong else 0


def _warn() -> None:
    """Print a line for each process that cannot be used, and go on with the others."""
    for fault in FAULTS.values():
        complain(f"warning: {fault}")


def _print_rows(title: str, columns: dict[str, str], rows: list[dict[str, Any]]) -> None:
    cells = [[row[name] for name in columns] for row in rows]
    shown = [["、".join(cell) if isinstance(cell, list | tuple) else cell for cell in row] for row in cells]
    print_table(title, columns.values(), shown)


def replay_command(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="Recorded histories, JSON.")] = None,
    case: Annotated[str | None, typer.Option(metavar="CASE", help="A case of the connected server.")] = None,
) -> None:
    """Replay histories with the current code and compare their content. Exit status 1: something changed."""

    async def work() -> int:
        if not files and case is None:
            raise BadForm("expected history files, or --case CASE")
        histories = [(str(path), recorded(path)) for path in files or []]
        if case is not None:
            histories.append((case, await (await connect()).get_workflow_handle(case).fetch_history()))
        changed, converter = 0, configured_converter()
        for name, history in histories:
            try:
                await replay(history, converter)
                say(f"{name}: ok, {len(history.events)} events")
            except Refused as difference:
                changed += 1
                complain(f"{name}: {difference}")
        return REFUSED if changed else 0

    run(work())
