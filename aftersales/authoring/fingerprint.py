"""Fingerprints of what open cases depend on: ``python -m aftersales.authoring.fingerprint FOLDER`` writes them.

Of every process they hold the chart as the cases of each edition follow it, and the code and fields of its case; of the
engine the fields of what it records and sends, the names that it answers to, and the options of its activities.  Words
for people are not in them, and neither is what only cases of a later edition follow.  What the engine does with all
that is held by the recorded histories.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from statemachine import HistoryState, State
from statemachine.transition import Transition

from aftersales.authoring.code_fingerprint import code_of_module, handlers
from aftersales.authoring.model_fingerprint import REQUIRED, types_of_module
from cases.editions import EDITIONS
from cases.policy import Policy
from statecharts.analysis.rulebook_rows import effects_of
from statecharts.rules import Again, BegunBetween, Bound, Clause, Clock, Effect, Length, Rule, Telling, arrow
from workflows.engine import activity_options
from workflows.engine.process import Process
from workflows.engine.search_attributes import KEYS
from workflows.registry import PROCESSES, ROOT

ENGINE: Final = "engine"
CHANGED: Final = """\
open cases may go on otherwise than they began.
1. Let the change hold for new cases alone: new_in= and gone_in= on a line, opened_since() in a case, a default and
   exclude_if for a field (CONTRIBUTING.md, "What may break open cases").
2. Or, if open cases do not notice it: replay those of production (`aftersales replay --from DIR`), then
   `make fingerprint ACCEPT=yes`."""
NEW: Final = "is not recorded yet: run `make fingerprint`, and commit it with the change"
_WORDS: Final = frozenset({"label", "named", "source", "text", "clause"})
"""What a chart says for people alone; the clause of a line or of a ledger entry is no such thing."""
_FOR_PEOPLE: Final = ("costs", "warnings", "samples", "part_samples", "form_samples")
"""Functions of a case whose answers are shown, or only serve proofs."""
_NOT_REPLAYED: Final = ("__init__", "errors", "labels", "ports", "plain_text")
"""Modules of ``cases`` that decide nothing in a case."""
_RECORDED: Final = ("workflows.engine.state", "workflows.engine.inputs", "workflows.engine.sender")
"""Modules of the engine whose models are in histories."""

Parts = dict[str, str]
"""What a part of a fingerprint is, by the part's name."""


def fingerprints() -> dict[str, Parts]:
    """Return the fingerprints of the code: of every process that is in an edition, and of the engine."""
    released = {name: process for name, process in PROCESSES.items() if _editions(name)}
    return {**{name: dict(_of_process(process)) for name, process in released.items()}, ENGINE: dict(_of_engine())}


def changes(recorded: Parts, now: Parts) -> list[str]:
    """Return the parts that are recorded and otherwise now, with fields that are new and have no default."""
    known = {name.rpartition(".")[0] for name in recorded}
    return [
        *(f"{name}: was {was!r}, is {now.get(name)!r}" for name, was in recorded.items() if now.get(name) != was),
        *(
            f"{name}: a new field without a default"
            for name, what in now.items()
            if name not in recorded and what.startswith(REQUIRED) and name.rpartition(".")[0] in known
        ),
    ]


def additions(recorded: Parts, now: Parts) -> list[str]:
    """Return the names of the parts that are not recorded."""
    return [name for name in now if name not in recorded]


def read_fingerprint(file: Path) -> Parts:
    """Return what is recorded; nothing if the file is missing."""
    return dict(_unfolded(json.loads(file.read_text(encoding="utf-8")))) if file.exists() else {}


def text_of_fingerprint(parts: Parts) -> str:
    """Return the text of a fingerprint's file."""
    return json.dumps(_folded(parts), ensure_ascii=False, indent=1) + "\n"


_OF_EDITION: Final = " @ "


def _folded(parts: Parts) -> dict[str, Any]:
    """Fold the parts of successive editions into one while they are the same."""
    editions: dict[str, None] = {}
    folded: dict[str, Any] = {}
    by_edition: dict[str, dict[str, str]] = {}
    for name, what in parts.items():
        part, mark, edition = name.rpartition(_OF_EDITION)
        if mark:
            editions[edition] = None
            by_edition.setdefault(part, {})[edition] = what
        else:
            folded[name] = what
    for part, whats in by_edition.items():
        before = ""
        for edition in editions:
            if (what := whats.get(edition, "")) != before:
                folded.setdefault(part, {})[edition] = before = what
    return {"editions": list(editions), **folded}


def _unfolded(folded: dict[str, Any]) -> Iterator[tuple[str, str]]:
    editions = folded.pop("editions")
    for name, what in folded.items():
        if isinstance(what, str):
            yield name, what
            continue
        now = ""
        for edition in editions:
            now = what.get(edition, now)
            if now:
                yield f"{name}{_OF_EDITION}{edition}", now


def _editions(process: str) -> list[str]:
    return [edition for edition, processes in EDITIONS.items() if process in processes]


def _of_process(process: Process) -> Iterator[tuple[str, str]]:
    for edition in _editions(process.name):
        for chart in process.charts:
            for name, rule in chart.rules.items():
                if text := _rule(rule, edition):
                    yield f"{chart.__name__}.{name}{_OF_EDITION}{edition}", text
    for chart in process.charts:
        for value, state in chart.states_map.items():
            yield f"{chart.__name__}.{value}", _state(state)
    for name, effect in process.effects().items():
        yield f"effect {name}", _figures(effect)
    yield from _of_module(f"cases.{process.name}")


def _of_engine() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "cases").glob("*.py")):
        if path.stem not in (*PROCESSES, *_NOT_REPLAYED):
            yield from _of_module(f"cases.{path.stem}")
    for name in _RECORDED:
        yield from types_of_module(import_module(name), but=Policy)
    for handler in handlers(ROOT / "workflows" / "engine" / "case_workflow.py", ("signal", "update", "query")):
        yield handler, "is answered"
    for name, options in vars(activity_options).items():
        if name.isupper() and isinstance(options, dict):
            yield f"activities {name}", ", ".join(f"{option}={options[option]}" for option in sorted(options))
    for key in KEYS:
        yield f"search attribute {key.name}", key.indexed_value_type.name


def _of_module(name: str) -> Iterator[tuple[str, str]]:
    module = import_module(name)
    yield from types_of_module(module, but=Policy)
    yield from code_of_module(Path(str(module.__file__)), without=_FOR_PEOPLE)


def _rule(rule: Rule, edition: str) -> str:
    """Return a rule as a case of an edition follows it, empty if none of its lines holds for it."""
    lines = [line for line in rule.lines if line.transitions and _holds(line, edition)]
    if not lines:
        return ""
    heads = [f"by {rule.party}", f"form {rule.form}" if rule.form else "", _figures(rule.clock) if rule.clock else ""]
    return "\n".join([", ".join(filter(None, heads)), *(_line(line) for line in lines)])


def _holds(line: Clause, edition: str) -> bool:
    return (line.new_in is None or edition >= line.new_in) and (line.gone_in is None or edition < line.gone_in)


def _line(line: Clause) -> str:
    own = [
        f"{name} {what if isinstance(what, str) else _figures(what)}"
        for name in ("form", "of", "opens", "closes")
        if (what := getattr(line, name)) is not None
    ]
    return "; ".join([line.clause, *own, *(_transition(transition, line) for transition in line.transitions)])


def _transition(transition: Transition, line: Clause) -> str:
    edition_guards = {name for name, condition in line.conditions.items() if condition.edition}
    guards = [
        f"{'if' if spec.expected_value else 'unless'} {spec.attr_name}"
        for spec in transition.cond
        if spec.attr_name not in edition_guards
    ]
    effects = [f"do {effect.name}" for effect in effects_of(transition)]
    moved = arrow(transition) if transition.targets else f"{transition.source.id} stays"
    return " ".join([moved, *guards, *effects])


def _state(state: State) -> str:
    kinds = ("initial", "final", "parallel")
    said = [kind for kind in kinds if getattr(state, kind, False)]
    within = next((f"in {above.value}" for above in state.ancestors()), "")
    history = f"history {state.type}" if isinstance(state, HistoryState) else ""
    return " ".join(filter(None, [*said, within, history])) or "plain"


def _figures(value: Clock | Bound | Length | Again | Effect | Telling | BegunBetween) -> str:
    """Return what is not a default of a chart's vocabulary, without words for people."""
    said = []
    for field in fields(value):
        what = getattr(value, field.name)
        if what == field.default or field.name in _WORDS - ({"clause"} if isinstance(value, Effect) else set()):
            continue
        if field.name == "instant" and isinstance(value, Clock):
            what = True  # its name in Chinese
        said.append(f"{field.name} {_figures(what) if hasattr(what, '__dataclass_fields__') else what}")
    return ", ".join(said)


def main(folder: Path, *, accept: bool) -> int:
    """Write the fingerprints; not one in which something that is recorded has changed, unless that is accepted."""
    refused = 0
    for name, parts in fingerprints().items():
        file = folder / f"{name}.json"
        different = changes(read_fingerprint(file), parts)
        for line in different:
            print(f"{name}: {line}")  # noqa: T201 - a command for developers
        if different and not accept:
            refused += 1
        elif not file.exists() or file.read_text(encoding="utf-8") != text_of_fingerprint(parts):
            file.write_text(text_of_fingerprint(parts), encoding="utf-8")
            print(f"{file}: written")  # noqa: T201 - a command for developers
    if refused:
        print(CHANGED, file=sys.stderr)  # noqa: T201 - a command for developers
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), accept=sys.argv[2:] == ["yes"]))
