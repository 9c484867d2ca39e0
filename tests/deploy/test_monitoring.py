"""The rules for Prometheus and the dashboard for Grafana use nothing that the code does not export."""

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser as promql
import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from aftersales.monitoring.figures import DESCRIBED, FIGURE_REGISTRY
from tests.support.places import DOCS, ROOT
from tests.support.programs.scraping import OF_SDK

ALERTS = yaml.safe_load((ROOT / "deploy/monitoring/alerts.yaml").read_text(encoding="utf-8"))
DASHBOARD = json.loads((ROOT / "deploy/monitoring/dashboard.json").read_text(encoding="utf-8"))
OPERATIONS = (DOCS / "operations.md").read_text(encoding="utf-8")
RULES: dict[str, dict[str, Any]] = {rule["alert"]: rule for group in ALERTS["groups"] for rule in group["rules"]}
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
OF_SCRAPES = {"job", "instance"}
"""The labels that Prometheus itself gives to everything that it scrapes."""
OF_PROMETHEUS = {"up": OF_SCRAPES}
INTERVAL = "5m"


def exported() -> dict[str, set[str]]:
    """Return every figure by the names of its samples, with its labels."""
    found: dict[str, set[str]] = {name: set(labels) for name, labels in OF_SDK.items()}
    described = {figure.name: figure for figure in DESCRIBED}
    for family in text_string_to_metric_families(generate_latest(FIGURE_REGISTRY).decode()):
        if family.name.startswith("process_"):
            found |= {sample.name: set() for sample in family.samples}
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = set(described[name].labels)
        if family.type == "histogram":
            found |= {f"{name}_bucket": labels | {"le"}, f"{name}_count": labels, f"{name}_sum": labels}
        else:
            found[name] = labels
    return found | OF_PROMETHEUS


EXPORTED = exported()


def parts(expression: Any) -> Iterator[Any]:
    """Yield a parsed expression and all that it is made of, what is outside first."""
    yield expression
    match expression:
        case promql.MatrixSelector():
            yield expression.vector_selector
        case promql.BinaryExpr():
            yield from parts(expression.lhs)
            yield from parts(expression.rhs)
        case promql.Call():
            for argument in expression.args:
                yield from parts(argument)
        case promql.AggregateExpr() | promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            yield from parts(expression.expr)
        case promql.VectorSelector() | promql.NumberLiteral() | promql.StringLiteral():
            return
        case _:
            raise AssertionError(type(expression))


def selectors(expression: Any) -> list[Any]:
    return [part for part in parts(expression) if isinstance(part, promql.VectorSelector)]


def aggregations(expression: Any) -> list[Any]:
    return [part for part in parts(expression) if isinstance(part, promql.AggregateExpr)]


def labels_left(expression: Any) -> set[str]:
    """Return the labels that the samples of an expression have."""
    if inside := aggregations(expression):
        outermost = inside[0]
        return set(outermost.modifier.labels) if outermost.modifier else set()
    return set.intersection(*(EXPORTED[one.name] | OF_SCRAPES for one in selectors(expression)))


def faults(text: str, shown: set[str]) -> list[str]:
    """Return what an expression uses that nothing exports, and which labels are shown that it does not have."""
    expression = promql.parse(text.replace("$__rate_interval", INTERVAL))
    found = []
    for selector in selectors(expression):
        if selector.name not in EXPORTED:
            found.append(f"nothing exports {selector.name}")
            continue
        known = EXPORTED[selector.name] | OF_SCRAPES
        found += [
            f"{selector.name} has no label {one.name}" for one in selector.matchers.matchers if one.name not in known
        ]
    if found:
        return found
    for aggregation in aggregations(expression):
        for label in aggregation.modifier.labels if aggregation.modifier else ():
            for selector in selectors(aggregation):
                if label not in EXPORTED[selector.name] | OF_SCRAPES:
                    found.append(f"{selector.name} has no label {label}")
    return [*found, *(f"{label} is shown, and not there" for label in shown - labels_left(expression))]


@pytest.mark.parametrize("name", RULES)
def test_an_alert_uses_what_is_exported_and_has_a_runbook(name: str) -> None:
    rule = RULES[name]
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("critical", "warning")
    summary = rule["annotations"]["summary"]
    assert faults(rule["expr"], set(re.findall(r"\$labels\.(\w+)", summary))) == []
    assert re.search(r"[\u4e00-\u9fff].* ?/ .*[a-z]", summary), "in Chinese and in English"
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"
    section = re.search(rf"^### {name}\n\n(.+?)\n\n(?=#)", OPERATIONS, re.MULTILINE | re.DOTALL)
    assert section, "what to do is under a heading of its name"
    if "for" in rule:
        assert promql.parse_duration(rule["for"])


def test_every_alert_that_is_described_exists() -> None:
    described = OPERATIONS.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    assert re.findall(r"^### (\w+)$", described, re.MULTILINE) == list(RULES)
    assert all(name in RULES for name in re.findall(r"\*([A-Z]\w+[a-z]\w+)\*", described) if name != "Schedules")


def test_the_rules_are_groups_as_prometheus_reads_them() -> None:
    assert set(ALERTS) == {"groups"}
    for group in ALERTS["groups"]:
        assert set(group) == {"name", "rules"}
    assert len(RULES) == sum(len(group["rules"]) for group in ALERTS["groups"])


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_uses_what_is_exported(panel: dict[str, Any]) -> None:
    assert panel["targets"]
    for target in panel["targets"]:
        shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        assert faults(target["expr"].replace("$shop", ".*"), shown) == []


def test_the_dashboard_is_as_grafana_reads_it() -> None:
    assert {"title", "uid", "schemaVersion", "panels", "templating", "time", "refresh"} <= set(DASHBOARD)
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    places = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
        taken = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & places, panel["title"]
        places |= taken
    for panel in PANELS:
        assert panel["type"] == "timeseries"
        assert panel["datasource"]["uid"] == "${datasource}"
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert set(variables) == {"datasource", "shop"}
    name, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variables["shop"]["query"]["query"]).groups()  # type: ignore[union-attr]
    assert label in EXPORTED[name]


def test_the_jobs_that_are_named_are_those_of_the_chart() -> None:
    rendered = (ROOT / "deploy/helm/rendered/rollout.yaml").read_text(encoding="utf-8")
    (monitor,) = [one for one in yaml.safe_load_all(rendered) if one["kind"] == "PodMonitor"]
    (relabeling,) = monitor["spec"]["podMetricsEndpoints"][0]["relabelings"]
    made = {"sourceLabels": ["__meta_kubernetes_pod_label_app_kubernetes_io_component"], "targetLabel": "job"}
    assert relabeling == {**made, "replacement": "aftersales-$1"}
    (named,) = re.findall(r'job=~"aftersales-\((.*?)\)"', RULES["ProcessAway"]["expr"])
    for component in named.split("|"):
        assert f"app.kubernetes.io/component: {component}\n" in rendered


def test_every_figure_of_ours_is_on_the_dashboard_or_has_an_alert() -> None:
    texts = [rule["expr"] for rule in RULES.values()] + [t["expr"] for panel in PANELS for t in panel["targets"]]
    assert [figure.name for figure in DESCRIBED if not any(figure.name in text for text in texts)] == []


WRONG = {
    "sum(rate(aftersales_nothing_total[5m]))": "nothing exports aftersales_nothing_total",
    'aftersales_cases_open{order="1"}': "aftersales_cases_open has no label order",
    "sum by (rule) (aftersales_cases_open)": "aftersales_cases_open has no label rule",
    "sum(aftersales_decisions)": "nothing exports aftersales_decisions",
}


@pytest.mark.parametrize(("expression", "fault"), WRONG.items())
def test_what_is_not_exported_is_found(expression: str, fault: str) -> None:
    assert faults(expression, set()) == [fault]


def test_a_label_that_an_expression_has_lost_cannot_be_shown() -> None:
    assert faults("sum by (process) (aftersales_cases_open)", {"shop"}) == ["shop is shown, and not there"]
