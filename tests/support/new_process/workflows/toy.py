"""The process of a toy: agree, ship, wait."""

from cases.toy import ToyCase
from statecharts.toy import Toy

from workflows.engine.process import Process

PROCESS = Process("toy", "玩具", Toy, ToyCase)
