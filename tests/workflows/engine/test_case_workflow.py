"""A workflow is defined by its process alone."""

import pytest
from temporalio import workflow

from workflows.engine.case_workflow import CaseWorkflow
from workflows.registry import case_workflows


@pytest.mark.parametrize("defined", case_workflows(), ids=lambda defined: defined.__name__)
def test_a_workflow_bears_the_name_of_its_process(defined: type[CaseWorkflow]) -> None:
    definition = workflow._Definition.must_from_class(defined)
    assert definition.name == defined.process.name
    assert set(definition.updates) == {
        *(name for name, rule in defined.process.rules.items() if rule.clock is None),
        "retry_effect",
        "done_by_hand",
    }
    assert (set(definition.signals), set(definition.queries)) == ({"report", None}, {"view"})
