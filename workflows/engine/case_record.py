"""What the ledger keeps of a case: the entries in force, the decisions that counted, and how it ended."""

from datetime import datetime

from cases.ledger import CaseRecord, DecisionRecord
from workflows.engine import notifications
from workflows.engine.missed_deadlines import missed_deadlines
from workflows.engine.situation import CaseSituation


def case_record(situation: CaseSituation, now: datetime) -> CaseRecord:
    """Return all that the ledger must know of a case as of ``now``; it replaces what was recorded before."""
    facts, state = situation.case.facts, situation.state
    return CaseRecord(
        case_id=situation.case_id,
        process=situation.process.name,
        shop_id=facts.shop,
        order=facts.order,
        as_of=now,
        opened_at=state.began or now,
        entries=tuple(state.ledger),
        undone=tuple(state.undone_across),
        missed=missed_deadlines(situation),
        decisions=tuple(
            DecisionRecord(
                key=decision.key,
                rule=decision.rule,
                order=decision.order,
                at=decision.ended or decision.at,
                party=decision.by,
                actor=decision.actor,
                way=decision.way,
            )
            for decision in state.decisions
            if decision.status == "done"
        ),
        outcome=notifications.outcome(situation, state.began or now) if situation.closed else None,
    )


def fingerprint(situation: CaseSituation) -> str:
    """Return a text that differs whenever the ledger must learn something; empty while there is nothing to record."""
    state = situation.state
    parts = [f"{entry.key}={entry.amount}@{entry.at.isoformat()}" for entry in state.ledger]
    parts += [f"{undone.key}!{undone.at.isoformat()}" for undone in state.undone_across]
    parts += [f"{entry.key}!" for entry in state.undone]
    parts += [f"{missed.order or ''}/{missed.rule}<{missed.at.isoformat()}" for missed in missed_deadlines(situation)]
    parts += [f"{entry.key}#{entry.points}" for entry in state.ledger if entry.points is not None]
    if situation.closed:
        decided = sum(decision.status == "done" for decision in state.decisions)
        parts.append(f"closed {','.join(situation.states())} {state.latest.isoformat()} after {decided} decisions")
    return " ".join(parts)
