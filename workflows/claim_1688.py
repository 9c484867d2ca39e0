"""The process of a claim on 1688.

Pay or appeal in 48 h, or the platform decides.
"""

from cases.claim_1688 import ClaimCase
from statecharts.claim_1688 import Claim1688
from workflows.engine.process import Process

PROCESS = Process("claim_1688", "1688理赔", Claim1688, ClaimCase, hears=True, hears_since="2026-11-28")
