"""The skeleton of a process: it runs as it is, to be replaced line by line."""

import re
from pathlib import Path
from string import Template

import aftersales
from cases.errors import BadForm
from workflows.registry import REGISTERED

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")

CHART = '''"""$label: rules $clause-1 ... $clause-3."""

from statemachine import State

from statecharts.chart import CaseChart
from statecharts.rules import Party, after, by, submits, under, upon

agree_on_platform = submits("agree_on_platform", "在平台同意")
refuse_on_platform = submits("refuse_on_platform", "在平台拒绝")


class $chart(CaseChart):
    """The merchant answers within 48 h, or the application is agreed automatically."""

    awaiting_merchant = State("待商家处理", initial=True)
    agreed = State("已同意", final=True)
    refused = State("已拒绝", final=True)
    withdrawn = State("买家已撤销", final=True)

    agree = by(Party.MERCHANT, "同意", under("$clause-1", awaiting_merchant.to(agreed, on=agree_on_platform)))
    refuse = by(
        Party.MERCHANT,
        "拒绝",
        under("$clause-2", awaiting_merchant.to(refused, on=refuse_on_platform)),
        form="refusal",
    )
    auto_agree = after(
        "48h",
        "超时自动同意",
        under("$clause-1", awaiting_merchant.to(agreed)),
        figure="merchant_handling",
        named="商家处理时限",
        of=Party.MERCHANT,
        run_by=Party.PLATFORM,
    )
    withdraw = upon("买家撤销申请", under("$clause-3", awaiting_merchant.to(withdrawn)))
'''

CASE = '''"""$label: facts, forms and figures of rules $clause-1 ... $clause-3."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Self

from cases.case import SAMPLE_INSTANT, Case, ShopFacts
from cases.forms import Form
from cases.models import Id, Instant, Text
from cases.policy import Policy
from statecharts.$name import $chart


class ${chart}Facts(ShopFacts):
    """The application as the platform's record has it."""

    after_sale_id: Id
    """售后单号"""
    order_id: Id
    """订单号"""
    applied_at: Instant
    """申请时间"""

    @property
    def own_id(self) -> str:
        """The after-sale id."""
        return self.after_sale_id

    @property
    def began_at(self) -> datetime:
        """The application: the merchant's 48 h run from it ($clause-1)."""
        return self.applied_at

    @property
    def order(self) -> str:
        """The order id."""
        return self.order_id


class ${chart}Policy(Policy, clocks=($chart,)):
    """The figures of $clause-1; those of the clocks come from the chart."""


class ${chart}Refusal(Form):
    """A refusal says why ($clause-2)."""

    reason: Text
    """拒绝理由"""


class ${chart}Case(Case):
    """An application; what guards look at is a property with its Chinese name as docstring."""

    facts: ${chart}Facts
    policy: ${chart}Policy = ${chart}Policy()

    forms: ClassVar[Mapping[str, type[Form]]] = {"refusal": ${chart}Refusal}

    @classmethod
    def samples(cls) -> list[Self]:
        """Return an application; the samples together take every way through the chart."""
        facts = ${chart}Facts(shop_id="S1", after_sale_id="A1", order_id="O1", applied_at=SAMPLE_INSTANT)
        return [cls(facts=facts)]
'''

WORKFLOW = '''"""The process of $label."""

from cases.$name import ${chart}Case
from statecharts.$name import $chart
from workflows.engine.process import Process

PROCESS = Process("$name", "$label", $chart, ${chart}Case)
'''

ACTIVITIES = '''"""How the effects of $label are performed: for now, each is a console task."""

from collections.abc import Mapping

from activities.effects import How
from cases.messages import ConsoleTask

PAGE = "商家后台 > 售后"

EFFECTS: Mapping[str, How] = {
    "agree_on_platform": ConsoleTask(page=PAGE, instruction="找到该售后单,点击「同意」"),
    "refuse_on_platform": ConsoleTask(page=PAGE, instruction="找到该售后单,点击「拒绝」,填写案件中的拒绝理由"),
}
'''

SCENARIO = """# 48 小时未处理:自动同意。
process: $name
opening:
  shop_id: S1
  after_sale_id: A1
  order_id: O1
  applied_at: "+0s"
steps:
  - {at: 47h59m59s, expect: {state: [awaiting_merchant]}}
  - {at: 48h, expect: {state: [agreed], status: closed}}
"""

TEST = '''"""Every row of the rule book that the chart of $name decides, to the second."""

from datetime import timedelta

from cases.case import SAMPLE_INSTANT
from cases.$name import ${chart}Case
from statecharts.$name import $chart

H48, SECOND = timedelta(hours=48), timedelta(seconds=1)


def chart() -> $chart:
    return $chart(${chart}Case.samples()[0], SAMPLE_INSTANT)


def test_${low}_1_an_application_that_nobody_handles_is_agreed_after_48_hours() -> None:
    before, after = chart(), chart()

    assert before.elapse(SAMPLE_INSTANT + H48 - SECOND) == []
    assert [step.rule for step in after.elapse(SAMPLE_INSTANT + H48)] == ["auto_agree"]
    assert after.closed


def test_${low}_2_a_refusal_is_carried_out_on_the_platform() -> None:
    step = chart().step("refuse", SAMPLE_INSTANT)

    assert (step.clause, step.reached) == ("$clause-2", ("refused",))
    assert [effect.name for effect in step.effects] == ["refuse_on_platform"]


def test_${low}_3_the_buyer_withdraws() -> None:
    assert chart().step("withdraw", SAMPLE_INSTANT).reached == ("withdrawn",)
'''

CLAUSES = """## $label

`$name`

| id | rule | provenance |
|---|---|---|
| $clause-1 | The merchant has 48 h from the application to handle it; otherwise it is agreed automatically. | assumed |
| $clause-2 | A refusal needs a reason. | assumed |
| $clause-3 | The buyer can withdraw the application until it is handled. | assumed |

"""

NAMES = """## Names of `$name`

### Facts

| fact | what it is |
|---|---|
| `shop_id` | the shop |
| `after_sale_id` | the platform's id of the application |
| `order_id` | the order |
| `applied_at` | the instant of the application, from which $clause-1 counts |

### States

<!-- states: $name -->
| state | label | final |
|---|---|---|
| `awaiting_merchant` | 待商家处理 | no |
| `agreed` | 已同意 | yes |
| `refused` | 已拒绝 | yes |
| `withdrawn` | 买家已撤销 | yes |
<!-- /states -->

### Rules

| rule | what happens | who | form | from -> to |
|---|---|---|---|---|
| `agree` | The application is agreed ($clause-1). | merchant | none | `awaiting_merchant` -> `agreed` |
| `refuse` | The application is refused ($clause-2). | merchant | `reason` | `awaiting_merchant` -> `refused` |
| `auto_agree` | Nobody handled it in time ($clause-1). | clock, 48 h | none | `awaiting_merchant` -> `agreed` |
| `withdraw` | The application is withdrawn ($clause-3). | platform | none | `awaiting_merchant` -> `withdrawn` |

"""

FILES = {
    "statecharts/{}.py": CHART,
    "cases/{}.py": CASE,
    "workflows/{}.py": WORKFLOW,
    "activities/{}.py": ACTIVITIES,
    "examples/scenarios/{}_silent.yaml": SCENARIO,
    "tests/statecharts/test_{}.py": TEST,
}
RULES, REGISTRY = "docs/rules.md", "workflows/registry.py"
END_OF_CLAUSES, END_OF_NAMES = "## Shop ledger\n", "## Sources\n"
REGISTERED_ENTRIES = re.compile(r"^(REGISTERED[^\n]*= \{\n.*?)(^\})", re.MULTILINE | re.DOTALL)


def checkout() -> Path:
    """Return the folder of the source tree that the package runs from; raises BadForm if it is installed elsewhere."""
    root = Path(aftersales.__file__).resolve().parents[1]
    missing = [
        part
        for part in ("pyproject.toml", "examples/scenarios", "tests/statecharts", RULES)
        if not (root / part).exists()
    ]
    if missing:
        raise BadForm(f"new-process writes source files and needs a checkout: {root} has no {missing[0]}")
    return root


def marketplace(name: str, platform: str | None) -> str:
    """Return the marketplace of a new process; raises BadForm for an invalid name or an unknown marketplace."""
    if not NAME.fullmatch(name):
        raise BadForm(f"NAME: expected lower-case words joined by _, MARKETPLACE_TOPIC, got {name!r}", ("NAME",))
    marketplaces = sorted(set(REGISTERED.values()))
    chosen = platform or next((market for market in marketplaces if name.startswith(f"{market}_")), None)
    if chosen is None:
        names = ", ".join(marketplaces)
        raise BadForm(f"--platform: {name} begins with no marketplace; name one of {names}", ("platform",))
    if chosen not in marketplaces:
        raise BadForm(f"--platform: expected one of {', '.join(marketplaces)}, got {platform!r}", ("platform",))
    return chosen


def checked_label(label: str) -> str:
    """Return a label that fits between quotes and into a table; raises BadForm for any other."""
    if not label.strip() or not label.isprintable() or set(label) & set("\"'\\`|"):
        raise BadForm(f"--label: expected a name without quotes, backslashes and bars, got {label!r}", ("label",))
    return label


def write_skeleton(root: Path, name: str, platform: str, label: str) -> list[str]:
    """Write the files of a process and enter it in rule book and registry; raises BadForm rather than overwrite."""
    rules, registry = (root / RULES).read_text(encoding="utf-8"), (root / REGISTRY).read_text(encoding="utf-8")
    files = {template.format(name): text for template, text in FILES.items()}
    taken = [path for path in files if (root / path).exists()]
    if taken or name in REGISTERED:
        raise BadForm(f"{name}: {taken[0] if taken else REGISTRY} has it already; nothing was written")
    words = {"name": name, "label": label, "chart": "".join(word.capitalize() for word in name.split("_"))}
    words["clause"] = clause_prefix(name, rules)
    words["low"] = words["clause"].lower()
    rules = _before(rules, END_OF_CLAUSES, Template(CLAUSES).substitute(words), RULES)
    rules = _before(rules, END_OF_NAMES, Template(NAMES).substitute(words), RULES)
    registry, entered = REGISTERED_ENTRIES.subn(rf'\1    "{name}": "{platform}",\n\2', registry)
    if entered != 1:
        raise BadForm(f"{REGISTRY}: expected REGISTERED once; nothing was written")
    for path, text in files.items():
        (root / path).write_text(Template(text).substitute(words), encoding="utf-8")
    (root / RULES).write_text(rules, encoding="utf-8")
    (root / REGISTRY).write_text(registry, encoding="utf-8")
    return [*files, RULES, REGISTRY]


def clause_prefix(name: str, rules: str) -> str:
    """Return the initials of a name, lengthened by an X until the rule book has no such clauses."""
    prefix = "".join(word[0] for word in name.split("_") if word[0].isalpha()).upper()
    while f"| {prefix}-1 |" in rules:
        prefix += "X"
    return prefix


def _before(text: str, mark: str, addition: str, path: str) -> str:
    if text.count(mark) != 1:
        raise BadForm(f"{path}: expected {mark.strip()!r} once; nothing was written")
    return text.replace(mark, addition + mark)
