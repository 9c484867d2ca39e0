"""What the tests of cases share."""

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.support.rules.stage import Stage
from tests.support.temporal.task_queues import Queue


@pytest.fixture
def queue(environment: WorkflowEnvironment, stage: Stage) -> Queue:
    return Queue(environment, stage)
