"""The folders of the checkout that tests read, and the packages of the product."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
EXAMPLES = ROOT / "examples"
HISTORIES = ROOT / "tests" / "histories"
RULES = DOCS / "rules.md"
PACKAGES = ("statecharts", "cases", "workflows", "activities", "aftersales")
