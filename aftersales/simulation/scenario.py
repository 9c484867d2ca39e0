"""A scenario: a case, how the platform answers, and what people do when."""

from datetime import datetime
from pathlib import Path
from typing import Any

from aftersales.files.documents import Document, Place, read_document
from aftersales.files.offsets import Shift, scenario_shifter, shift_instant, shift_instants
from aftersales.platforms.scripted import Script
from aftersales.simulation.scenario_checks import check_form, check_names, check_times, known_rule, read_at
from aftersales.simulation.scenario_file import ScenarioFile
from cases.case import SAMPLE_INSTANT
from cases.errors import BadForm
from cases.messages import ExpiryOutcome, Opening, Report
from workflows.engine.process import Process
from workflows.registry import process_of


class Scenario:
    """A scenario that was read and found sound, apart from what only its run can tell."""

    def __init__(self, path: Path) -> None:
        """Read and check a file; raises BadFile that names line, field and what was expected."""
        self.document: Document = read_document(path)
        try:
            self.file = read_at(ScenarioFile, self.document.data, (), "scenario")
            self.process: Process = process_of(self.file.process)
            check_times(self.file)
            check_names(self.file, self.process, self._orders(SAMPLE_INSTANT))
            self._rehearse(SAMPLE_INSTANT)
        except BadForm as bad:
            raise self.document.fault(bad) from bad

    def _rehearse(self, origin: datetime) -> None:
        """Make everything that the run will need, so that what cannot be made is found before it."""
        self.opening(origin)
        self.script(origin)
        for number, step in enumerate(self.file.steps):
            if step.rule is not None:
                check_form(self.process, step.rule, self.form(number, origin), ("steps", number, "form"))
            if step.report is not None or step.deadline is not None:
                read_at(Report, self.message(number, origin), ("steps", number), "message")

    def _orders(self, origin: datetime) -> tuple[str, ...]:
        return self.process.open_case(self.opening(origin)).orders

    def opening(self, origin: datetime) -> Opening:
        """What the case is opened with when the scenario begins at ``origin``; its policy is resolved."""
        facts = shift_instants(self.process.case.facts_type(), self.file.opening, self._shift(origin), ("opening",))
        case = self.process.open_case(Opening(facts=facts, policy=self.file.policy))
        return Opening(facts=case.facts.model_dump(mode="json"), policy=case.policy.model_dump(mode="json"))

    def form(self, number: int, origin: datetime) -> dict[str, Any] | None:
        """The form of a step, with its instants shifted."""
        step = self.file.steps[number]
        form: dict[str, Any] | None = self._form(step.rule, step.form, origin, ("steps", number, "form"))
        return form

    def message(self, number: int, origin: datetime) -> dict[str, Any]:
        """The message that a step reports, with its instants shifted; what was not said is left out."""
        step, shift = self.file.steps[number], self._shift(origin)
        told = {
            "message_id": step.message_id,
            "rule": step.report,
            "form": self.form(number, origin),
            "order": step.order,
            "occurred_at": shift_instant(step.occurred_at, shift, ("steps", number, "occurred_at")),
            "deadline": shift_instant(step.deadline, shift, ("steps", number, "deadline")),
        }
        return {name: each for name, each in told.items() if each is not None}

    def script(self, origin: datetime) -> Script:
        """How the scripted platform answers, with its instants shifted."""
        answers = self.file.platform
        settle = {clock: self._settlement(clock, answer, origin) for clock, answer in answers.settle.items()}
        return Script(settle=settle, fail=answers.fail)

    def _settlement(self, clock: str, answer: str | dict[str, Any], origin: datetime) -> ExpiryOutcome:
        place = ("platform", "settle", clock)
        told = {"rule": answer} if isinstance(answer, str) else answer
        settlement = read_at(ExpiryOutcome, shift_instants(ExpiryOutcome, told, self._shift(origin), place), place)
        if settlement.rule is None:
            return settlement
        known_rule(self.process, settlement.rule, place)
        form = self._form(settlement.rule, settlement.form, origin, (*place, "form"))
        check_form(self.process, settlement.rule, form, (*place, "form"))
        return settlement.model_copy(update={"form": form})

    def _form(self, rule: str | None, given: Any, origin: datetime, place: Place) -> Any:
        model = self.process.case.form_type(self.process.rules[rule].form if rule else None)
        return shift_instants(model, given, self._shift(origin), place)

    def _shift(self, origin: datetime) -> Shift:
        return scenario_shifter(origin, self.file.opened_at)
