"""All that a case's page shows: what the case tells, what the ledger keeps beside it, and the order's other cases."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from temporalio.client import WorkflowExecution, WorkflowExecutionDescription

from aftersales.desk.access.users import User
from aftersales.desk.chinese import chinese_of
from aftersales.desk.handling.case_reading import facts_of
from aftersales.desk.handling.team import claims_on, notes_on
from aftersales.desk.sections.facts_shown import ShownFact, shown_facts
from aftersales.desk.services import DeskServices
from aftersales.ledger.teamwork import Claim, Note
from aftersales.runtime.client.case_search import other_cases
from aftersales.runtime.client.known_cases import (
    EARLY_ENDINGS,
    ENDED_EARLY,
    find_workflow,
    how_to_revive,
    known_from,
    where_it_ended,
)
from aftersales.runtime.client.nearest_cases import deadline_of
from aftersales.runtime.temporal.web_ui import case_address, list_address
from cases.errors import CaseError, LedgerUnreachable
from workflows.engine import search_attributes as sa
from workflows.engine.view import CaseView
from workflows.registry import PROCESSES

EARLY_WORDS: Final = {"terminated": "被终止", "failed": "出错", "cancelled": "被取消", "timed_out": "超时"}
"""How a workflow ended early, in Chinese."""


@dataclass(frozen=True)
class OtherCase:
    """Another case about the same order."""

    case_id: str
    process: str
    state: str
    deadline: datetime | None


@dataclass(frozen=True)
class EarlyEnd:
    """A workflow that ended without its case: how, when, and the command that revives it."""

    how: str
    at: datetime | None
    command: str


@dataclass(frozen=True)
class CaseSheet:
    """What is known of a case; ``case`` is None where its workflow ended early and cannot be read any more.

    ``ledger_away``: who works on it, and what was noted, cannot be read now.
    """

    case_id: str
    label: str
    shop: str
    order: str | None
    case: CaseView | None
    facts: Sequence[ShownFact]
    early: EarlyEnd | None
    claim: Claim | None
    notes: Sequence[Note]
    ledger_away: bool
    others: Sequence[OtherCase]
    web_ui: str


async def read_sheet(services: DeskServices, user: User, case_id: str) -> CaseSheet | None:
    """Return what is known of a case; None if there is none that the user sees.  Raises CaseError."""
    process = PROCESSES.get(case_id.partition("/")[0])
    if process is None:
        return None
    found = await find_workflow(services.client, case_id)
    if found is None or not user.sees(found.typed_search_attributes.get(sa.SHOP)):
        return None
    early = early_end(found)
    try:
        seen = await services.cases.read(user, case_id)
    except CaseError:
        if early is None:
            raise
        seen = None
    if early is None and seen is None:
        return None
    if early is not None and seen is not None:  # nobody keeps its clocks, and nothing can be done before it is revived
        seen = seen.model_copy(update={"deadlines": [], "actions": [], "next": None})
    others, claims, notes = await asyncio.gather(
        other_cases(services.client, found),
        claims_on(services.ledger, [case_id]),
        notes_on(services.ledger, case_id),
    )
    facts = facts_of(seen) if seen else None
    attributes = found.typed_search_attributes
    return CaseSheet(
        case_id=case_id,
        label=process.label,
        shop=services.shop_name(facts.shop if facts else attributes.get(sa.SHOP)),
        order=facts.order if facts else attributes.get(sa.ORDER),
        case=seen,
        facts=shown_facts(facts) if facts else (),
        early=early,
        claim=(claims or {}).get(case_id),
        notes=notes,
        ledger_away=claims is None,
        others=[_other(execution) for execution in others],
        web_ui=case_address(list_address(services.settings.ui_address, services.client.namespace), case_id),
    )


async def forgotten(services: DeskServices, user: User, case_id: str) -> str | None:
    """Return how a case ended that Temporal has forgotten, as far as the user may know of it."""
    if user.shops is not None:  # the ledger does not say here whose it was
        return None
    try:
        known = (await asyncio.to_thread(services.ledger.known, [case_id])).get(case_id)
    except LedgerUnreachable:
        return None
    return chinese_of(where_it_ended(known)) if known else None


def early_end(found: WorkflowExecutionDescription) -> EarlyEnd | None:
    """Return how a case's workflow ended without it; None if it has not."""
    ending = EARLY_ENDINGS.get(found.status)
    if ending is None:
        return None
    return EarlyEnd(EARLY_WORDS[ending], known_from(found).ended_at, how_to_revive(found.id))


def _other(execution: WorkflowExecution) -> OtherCase:
    early = execution.status in EARLY_ENDINGS
    state = execution.typed_search_attributes.get(sa.STATE) or ""
    return OtherCase(
        case_id=execution.id,
        process=PROCESSES[execution.workflow_type].label,
        state=ENDED_EARLY if early else state,
        deadline=None if early else deadline_of(execution),
    )
