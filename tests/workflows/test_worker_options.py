"""The options of workers: the sandbox is not entered for what no converter of ours looks at."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Self

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter, PayloadCodec, SerializationContext, WithSerializationContext
from temporalio.worker import WorkflowInstance
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.worker.workflow_sandbox._in_sandbox import InSandbox

from tests.support.life import Open
from workflows.worker_options import CONTEXTS, for_cases, sandboxed_runner, uses_contexts


class Keys(PayloadCodec, WithSerializationContext):
    """A codec with a key for each workflow."""

    def with_context(self, context: SerializationContext) -> Self:
        del context
        return type(self)()

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(payloads)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every question for a context that enters the sandbox."""
    names: list[str] = []

    def noted(name: str, ask: Callable[..., Any]) -> Callable[..., Any]:
        def look(*arguments: Any) -> Any:
            names.append(name)
            return ask(*arguments)

        return look

    for name in CONTEXTS:
        monkeypatch.setattr(InSandbox, name, noted(name, getattr(InSandbox, name)))
    return names


async def test_a_case_runs_without_entering_the_sandbox_for_the_context_of_a_payload(
    open_case: Open, asked: list[str]
) -> None:
    life = await open_case()
    await life.act("agree")
    await life.until_state("awaiting_shipment")

    assert asked == []


def test_every_question_for_a_context_is_answered() -> None:
    """Fails if a release of the SDK asks for a context in another way: such questions enter the sandbox again."""
    assert set(CONTEXTS) == {name for name in WorkflowInstance.__abstractmethods__ if "context" in name}


def test_a_release_that_asks_in_another_way_gets_its_own_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    class Instance:
        def activate(self) -> None:
            """Every release does this."""

        def get_context_of_tomorrow(self) -> str:
            return "its own"

    monkeypatch.setattr(SandboxedWorkflowRunner, "create_instance", lambda *_: Instance())

    instance: Any = sandboxed_runner(for_cases()).create_instance(None)  # type: ignore[arg-type]

    assert instance.get_context_of_tomorrow() == "its own"


def test_a_codec_that_uses_the_context_is_asked_in_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    keyed = for_cases(replace(for_cases(), payload_codec=Keys()))

    assert (uses_contexts(keyed), uses_contexts(for_cases())) == (True, False)
    assert answers_itself(keyed, monkeypatch) == set()
    assert answers_itself(for_cases(), monkeypatch) == set(CONTEXTS)


def answers_itself(converter: DataConverter, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the questions for a context that the runner for a converter answers in the sandbox's place."""

    class Instance:
        def activate(self) -> None:
            """Every release does this."""

    monkeypatch.setattr(SandboxedWorkflowRunner, "create_instance", lambda *_: Instance())
    return set(vars(sandboxed_runner(converter).create_instance(None))) - {"activate"}  # type: ignore[arg-type]
