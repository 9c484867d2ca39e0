"""The process of an interception on Douyin.

A parcel is stopped before its delivery and followed until it is back, or the carrier has paid for it.
"""

from cases.douyin_interception import InterceptionCase
from statecharts.douyin_interception import DouyinInterception
from workflows.engine.process import Process

PROCESS = Process("douyin_interception", "抖店快递拦截", DouyinInterception, InterceptionCase, hears=True)
