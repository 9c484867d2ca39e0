"""The workflow of an interception on Douyin."""

from cases.douyin_interception import InterceptionCase
from statecharts.douyin_interception import DouyinInterception
from workflows.engine.case_workflow import CaseWorkflow
from workflows.engine.process import Process


class DouyinInterceptionWorkflow(
    CaseWorkflow,
    process=Process("douyin_interception", "抖店快递拦截", DouyinInterception, InterceptionCase, hears=True),
):
    """A parcel is stopped before its delivery and followed until it is back, or the carrier has paid for it."""
