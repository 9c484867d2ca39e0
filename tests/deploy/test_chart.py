"""The Helm chart, by what it renders: `make manifests` writes that, and checks it by the schemas of Kubernetes."""

import runpy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from aftersales.cli.main import COMMANDS
from aftersales.platforms.marketplace import installed_marketplaces
from tests.support.places import ROOT

HELM = ROOT / "deploy" / "helm"
EXAMPLES = [path.name for path in sorted((HELM / "examples").iterdir())]
RENDERED = {
    name: list(filter(None, yaml.safe_load_all((HELM / "rendered" / name).read_text(encoding="utf-8"))))
    for name in EXAMPLES
}
VALUES: dict[str, Any] = yaml.safe_load((HELM / "aftersales" / "values.yaml").read_text(encoding="utf-8"))
PROGRAMS = ("Deployment", "StatefulSet", "Job")
OLD, NEW = "2026.11.1", "2026.11.2"

examples = pytest.mark.parametrize("example", EXAMPLES)


def all_of(example: str, *kinds: str) -> list[dict[str, Any]]:
    return [manifest for manifest in RENDERED[example] if manifest["kind"] in kinds]


def named(example: str, kind: str, name: str) -> dict[str, Any]:
    (found,) = [one for one in all_of(example, kind) if one["metadata"]["name"] == f"aftersales-{name}"]
    return found


def component(manifest: dict[str, Any]) -> str:
    name: str = manifest["metadata"]["labels"]["app.kubernetes.io/component"]
    return name


def programs(example: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield every program's pod and its only container."""
    for manifest in all_of(example, *PROGRAMS):
        pod = manifest["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        yield pod, container


def environment(container: dict[str, Any]) -> dict[str, Any]:
    return {variable["name"]: variable.get("value", variable.get("valueFrom")) for variable in container["env"]}


def workers(example: str) -> dict[str, dict[str, Any]]:
    """Return the workers' Deployments by build id."""
    found = [one for one in all_of(example, "Deployment") if component(one) == "worker"]
    return {one["metadata"]["labels"]["aftersales/build-id"]: one for one in found}


def pods(example: str) -> dict[str, dict[str, str]]:
    """Return the labels of every program's pods, by its name."""
    return {
        one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"] for one in all_of(example, *PROGRAMS)
    }


def selected(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    listed = selector.get("matchExpressions", [])
    assert {rule["operator"] for rule in listed} <= {"In"}
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(rule["key"]) in rule["values"] for rule in listed
    )


@examples
def test_what_is_rendered_follows_from_the_chart_as_it_is(example: str) -> None:
    header = runpy.run_path(str(ROOT / "deploy" / "rendered_from.py"))["header"]
    text = (HELM / "rendered" / example).read_text(encoding="utf-8")

    assert text.startswith(header(example)), "out of date: run `make manifests`"


@examples
def test_every_pod_runs_without_rights_on_an_image_that_it_cannot_change(example: str) -> None:
    for pod, container in programs(example):
        security = pod["securityContext"]
        assert (security["runAsNonRoot"], security["runAsUser"]) == (True, 10001)
        assert security["fsGroup"] == 10001
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert container["resources"]["requests"]
        assert container["resources"]["limits"]["memory"]


@examples
def test_every_program_runs_a_command_that_exists(example: str) -> None:
    assert {word for _, container in programs(example) for word in container["args"]} <= set(COMMANDS)


@examples
def test_secrets_are_mounted_as_folders_for_the_group_alone_and_none_is_made(example: str) -> None:
    secrets = [volume["secret"] for pod, _ in programs(example) for volume in pod["volumes"] if "secret" in volume]
    mounts = [mount for _, container in programs(example) for mount in container["volumeMounts"]]

    assert secrets
    assert {secret["defaultMode"] for secret in secrets} == {0o440}
    assert [mount for mount in mounts if "subPath" in mount] == [], "a changed secret would not arrive"
    assert all_of(example, "Secret") == []


@examples
def test_every_file_that_a_setting_names_is_mounted(example: str) -> None:
    for pod, container in programs(example):
        volumes = {volume["name"] for volume in pod["volumes"]} | {"inbox"}
        mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
        paths = [value for value in environment(container).values() if isinstance(value, str) and value[:1] == "/"]
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        for path in paths:
            unused = path == "/var/lib/aftersales/data" and container["name"] in ("desk", "codec", "setup")
            assert unused or any(path.startswith(f"{folder}/") for folder in mounted), (container["name"], path)


@examples
def test_the_ledgers_address_is_a_secret_and_never_written(example: str) -> None:
    users = {
        container["name"]: environment(container).get("AFTERSALES_LEDGER_URL") for _, container in programs(example)
    }

    assert {name for name, url in users.items() if url} == {"worker", "gateway", "desk", "migrate"}
    assert all(set(url) == {"secretKeyRef"} for url in users.values() if url)


@examples
def test_programs_are_asked_how_they_are_where_they_say_it(example: str) -> None:
    for manifest in all_of(example, "Deployment", "StatefulSet"):
        (container,) = manifest["spec"]["template"]["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        assert environment(container)["AFTERSALES_METRICS_ADDRESS"] == f"0.0.0.0:{ports['metrics']}"
        paths = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
        assert {kind: probe["path"] for kind, probe in paths.items()} == {
            "startup": "/healthz",
            "liveness": "/healthz",
            "readiness": "/readyz",
        }
        assert {probe["port"] for probe in paths.values()} == {"metrics"}
        assert min(container[f"{kind}Probe"]["timeoutSeconds"] for kind in paths) >= 5, "it may ask Temporal"


@examples
def test_a_program_listens_where_its_service_sends_to(example: str) -> None:
    for service in all_of(example, "Service"):
        (target,) = [
            labels for labels in pods(example).items() if service["spec"]["selector"].items() <= labels[1].items()
        ]
        (container,) = [one for _, one in programs(example) if target[0] == f"aftersales-{one['name']}"]
        port = {port["name"]: port["containerPort"] for port in container["ports"]}[
            service["spec"]["ports"][0]["targetPort"]
        ]
        values = environment(container)
        own = f"AFTERSALES_{container['name'].upper()}"
        assert (values[f"{own}_HOST"], values[f"{own}_PORT"]) == ("0.0.0.0", str(port))  # noqa: S104 - in its pod


@examples
def test_there_is_a_deployment_of_workers_for_each_build_and_its_image_is_that_build(example: str) -> None:
    values = yaml.safe_load((HELM / "examples" / example).read_text(encoding="utf-8"))
    found = workers(example)

    assert list(found) == [build["buildId"] for build in values["worker"]["builds"]]
    for build, deployment in found.items():
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert environment(container)["AFTERSALES_BUILD_ID"] == build
        assert container["image"].endswith(f":{build}")
        assert deployment["spec"]["selector"]["matchLabels"]["aftersales/build-id"] == build


@examples
def test_builds_are_scaled_each_by_the_tasks_that_wait_for_it(example: str) -> None:
    for build, deployment in workers(example).items():
        name = deployment["metadata"]["name"].removeprefix("aftersales-")
        spec = named(example, "ScaledObject", name)["spec"]
        (trigger,) = spec["triggers"]
        metadata = trigger["metadata"]
        values = environment(deployment["spec"]["template"]["spec"]["containers"][0])

        assert spec["scaleTargetRef"] == {"name": deployment["metadata"]["name"]}
        assert "replicas" not in deployment["spec"], "who scales says how many"
        assert 1 <= spec["minReplicaCount"] <= spec["maxReplicaCount"], "a build without workers cannot be gone back to"
        assert trigger["type"] == "temporal"
        assert {name: value for name, value in metadata.items() if not isinstance(value, str)} == {}
        assert metadata["endpoint"] == values["TEMPORAL_ADDRESS"]
        assert metadata["namespace"] == values["TEMPORAL_NAMESPACE"]
        assert metadata["taskQueue"] == values["AFTERSALES_TASK_QUEUE"]
        assert metadata["workerDeploymentName"] == values["AFTERSALES_DEPLOYMENT_NAME"]
        assert metadata["workerDeploymentBuildId"] == build
        assert set(metadata["queueTypes"].split(",")) == {"workflow", "activity"}
        assert int(metadata["targetQueueSize"]) > 0


SCALED_OBJECT = {
    "": {"scaleTargetRef", "pollingInterval", "minReplicaCount", "maxReplicaCount", "fallback", "advanced", "triggers"},
    "fallback": {"failureThreshold", "replicas", "behavior"},
    "advanced": {"horizontalPodAutoscalerConfig"},
    "triggers": {"type", "metadata", "authenticationRef"},
}
"""The fields of a ScaledObject that are used here, as KEDA names them."""
TRIGGER = {
    "endpoint",
    "namespace",
    "taskQueue",
    "queueTypes",
    "targetQueueSize",
    "workerDeploymentName",
    "workerDeploymentBuildId",
    "tlsServerName",
}
"""The parameters of KEDA's scaler `temporal`, from release 2.21 on, that are used here."""


@examples
def test_kedas_objects_have_the_fields_that_keda_knows(example: str) -> None:
    for scaled in all_of(example, "ScaledObject"):
        spec = scaled["spec"]
        assert scaled["apiVersion"] == "keda.sh/v1alpha1"
        assert set(spec) <= SCALED_OBJECT[""]
        for part in ("fallback", "advanced"):
            assert set(spec[part]) <= SCALED_OBJECT[part]
        for trigger in spec["triggers"]:
            assert set(trigger) <= SCALED_OBJECT["triggers"]
            assert set(trigger["metadata"]) <= TRIGGER


def test_the_scaler_logs_in_as_the_workers_do() -> None:
    authentication = named("rollout.yaml", "TriggerAuthentication", "temporal")["spec"]["secretTargetRef"]
    (trigger,) = named("rollout.yaml", "ScaledObject", "worker-2026-11-1")["spec"]["triggers"]

    assert {one["parameter"] for one in authentication} == {"ca", "cert", "key"}
    assert {one["name"] for one in authentication} == {"temporal-client"}
    assert trigger["authenticationRef"] == {"name": "aftersales-temporal"}


@examples
def test_a_worker_has_time_to_finish_before_it_is_killed(example: str) -> None:
    for deployment in workers(example).values():
        pod = deployment["spec"]["template"]["spec"]
        seconds = float(environment(pod["containers"][0])["AFTERSALES_GRACEFUL_SHUTDOWN_SECONDS"])
        assert pod["terminationGracePeriodSeconds"] >= seconds + 10


def test_gateway_desk_and_codec_server_are_replaced_after_the_workers() -> None:
    images = {container["name"]: container["image"].rpartition(":")[2] for _, container in programs("rollout.yaml")}

    assert set(workers("rollout.yaml")) == {OLD, NEW}
    assert {images[name] for name in ("gateway", "desk", "codec")} == {OLD}


@examples
def test_the_ledger_is_migrated_by_the_newest_build_before_anything_else_changes(example: str) -> None:
    migrate, setup = (named(example, "Job", name) for name in ("migrate", "setup"))
    weights = [job["metadata"]["annotations"]["helm.sh/hook-weight"] for job in (migrate, setup)]
    newest = list(workers(example))[-1]

    assert {job["metadata"]["annotations"]["helm.sh/hook"] for job in (migrate, setup)} == {"pre-install,pre-upgrade"}
    assert [int(weight) for weight in weights] == sorted(map(int, weights))
    for job in (migrate, setup):
        assert job["spec"]["template"]["spec"]["containers"][0]["image"].endswith(f":{newest}")


def test_the_migration_may_have_a_user_of_its_own_who_changes_tables() -> None:
    (container,) = named("rollout.yaml", "Job", "migrate")["spec"]["template"]["spec"]["containers"]

    assert environment(container)["AFTERSALES_LEDGER_URL"]["secretKeyRef"]["name"] == "aftersales-ledger-owner"


@examples
def test_an_inbox_is_on_a_volume_of_its_own_that_outlives_its_gateway(example: str) -> None:
    spec = named(example, "StatefulSet", "gateway")["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    (container,) = spec["template"]["spec"]["containers"]
    (mounted,) = [one["mountPath"] for one in container["volumeMounts"] if one["name"] == claim["metadata"]["name"]]

    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert environment(container)["AFTERSALES_DATA_DIR"].startswith(f"{mounted}/")
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}


@examples
def test_workers_and_gateways_share_the_tokens_of_shops(example: str) -> None:
    claims = {}
    for pod, container in programs(example):
        if "AFTERSALES_TOKENS_DIR" in environment(container):
            (volume,) = [one for one in pod["volumes"] if one["name"] == "tokens"]
            claims[container["name"]] = volume["persistentVolumeClaim"]["claimName"]

    assert claims == dict.fromkeys(("worker", "gateway"), "aftersales-tokens")
    assert named(example, "PersistentVolumeClaim", "tokens")["spec"]["accessModes"] == ["ReadWriteMany"]


@examples
def test_no_more_than_one_pod_of_a_program_is_taken_away_at_a_time(example: str) -> None:
    budgets = all_of(example, "PodDisruptionBudget")
    several = [
        one
        for one in all_of(example, "Deployment", "StatefulSet")
        if one["spec"].get("replicas", 2) > 1  # workers are scaled
    ]
    for one in several:
        labels = one["spec"]["template"]["metadata"]["labels"]
        (budget,) = [budget for budget in budgets if selected(budget["spec"]["selector"], labels)]
        assert budget["spec"]["maxUnavailable"] == 1
    assert len(budgets) == len(several), "one for a lone pod would keep its machine from being drained"


@examples
def test_pods_are_spread_over_machines_and_zones(example: str) -> None:
    for one in all_of(example, "Deployment", "StatefulSet"):
        constraints = one["spec"]["template"]["spec"]["topologySpreadConstraints"]
        labels = one["spec"]["template"]["metadata"]["labels"]
        assert {rule["topologyKey"] for rule in constraints} == {
            "kubernetes.io/hostname",
            "topology.kubernetes.io/zone",
        }
        assert all(selected(rule["labelSelector"], labels) for rule in constraints)


@examples
def test_the_gateway_shows_the_outside_where_platforms_push_and_nothing_else(example: str) -> None:
    pushed = {marketplace.push.path for marketplace in installed_marketplaces().values() if marketplace.push}
    (rule,) = named(example, "Ingress", "gateway")["spec"]["rules"]
    paths = rule["http"]["paths"]

    assert {path["path"] for path in paths} == pushed
    assert {path["pathType"] for path in paths} == {"Exact"}


@examples
def test_what_is_shown_to_the_outside_is_encrypted_on_its_way(example: str) -> None:
    for ingress in all_of(example, "Ingress"):
        hosts = {host for tls in ingress["spec"]["tls"] for host in tls["hosts"]}
        assert hosts == {rule["host"] for rule in ingress["spec"]["rules"]}


def test_the_desks_proxy_leaves_events_alone_and_keeps_a_browser_at_one_desk() -> None:
    annotations = named("minimal.yaml", "Ingress", "desk")["metadata"]["annotations"]

    assert annotations["nginx.ingress.kubernetes.io/proxy-buffering"] == "off"
    assert annotations["nginx.ingress.kubernetes.io/affinity"] == "cookie"
    assert float(annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"]) > 30


def ways(example: str, kind: str) -> dict[str, set[tuple[str, int]]]:
    """Return for every component which policies let it be asked (Ingress), or ask (Egress), and at which ports."""
    found: dict[str, set[tuple[str, int]]] = {}
    for name, labels in pods(example).items():
        for policy in all_of(example, "NetworkPolicy"):
            spec = policy["spec"]
            if selected(spec["podSelector"], labels) and spec["policyTypes"] == [kind]:
                (rule,) = spec[kind.lower()]
                ports = {(policy["metadata"]["name"].removeprefix("aftersales-"), one["port"]) for one in rule["ports"]}
                found.setdefault(labels["app.kubernetes.io/component"], set()).update(ports)
        assert name
    return found


@examples
def test_whatever_is_not_listed_is_refused(example: str) -> None:
    spec = named(example, "NetworkPolicy", "nothing-else")["spec"]

    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & set(spec)
    assert all(selected(spec["podSelector"], labels) for labels in pods(example).values())


def test_who_may_be_asked_by_whom() -> None:
    measured = ("to-metrics", 9464)

    assert ways("rollout.yaml", "Ingress") == {
        "worker": {measured},
        "gateway": {measured, ("to-gateway", 8400)},
        "desk": {measured, ("to-desk", 8402)},
        "codec": {measured, ("to-codec", 8403)},
    }


def test_who_may_ask_whom() -> None:
    dns, temporal, ledger = ("to-dns", 53), ("to-temporal", 7233), ("to-ledger", 5432)
    outside = {("to-outside", port) for port in (443, 465, 587)}

    assert ways("minimal.yaml", "Egress") == {
        "worker": {dns, temporal, ledger, *outside},
        "gateway": {dns, temporal, ledger, *outside},
        "desk": {dns, temporal, ledger},
        "migrate": {dns, ledger},
        "setup": {dns, temporal},
    }


def test_the_codec_server_which_has_the_keys_asks_nobody() -> None:
    assert "codec" not in ways("rollout.yaml", "Egress")


@examples
def test_platforms_are_reached_but_no_private_network_and_no_metadata_of_a_cloud(example: str) -> None:
    (rule,) = named(example, "NetworkPolicy", "to-outside")["spec"]["egress"]
    (peer,) = rule["to"]

    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} <= set(peer["ipBlock"]["except"])


def test_prometheus_finds_every_program_at_its_port() -> None:
    (monitor,) = all_of("rollout.yaml", "PodMonitor")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    found = [name for name, labels in pods("rollout.yaml").items() if selected(monitor["spec"]["selector"], labels)]

    assert (endpoint["port"], endpoint["path"]) == ("metrics", "/metrics")
    assert set(found) >= {one["metadata"]["name"] for one in all_of("rollout.yaml", "Deployment", "StatefulSet")}


def test_shops_are_rendered_as_they_are_given_and_a_change_restarts_who_reads_them() -> None:
    values = yaml.safe_load((HELM / "examples" / "rollout.yaml").read_text(encoding="utf-8"))
    kept = yaml.safe_load(named("rollout.yaml", "ConfigMap", "shops")["data"]["shops.yaml"])
    stamps = {
        example: {
            one["spec"]["template"]["metadata"]["annotations"]["aftersales/shops"]
            for one in all_of(example, "Deployment", "StatefulSet")
            if component(one) != "codec"
        }
        for example in EXAMPLES
    }

    assert kept == values["shops"]
    assert [len(one) for one in stamps.values()] == [1, 1]
    assert stamps["minimal.yaml"] != stamps["rollout.yaml"]


def test_every_value_of_the_chart_is_in_its_schema() -> None:
    schema = yaml.safe_load((HELM / "aftersales" / "values.schema.json").read_text(encoding="utf-8"))

    def compare(values: dict[str, Any], described: dict[str, Any], place: str) -> list[str]:
        if described.get("additionalProperties", True) is not False:
            return []
        names = described["properties"]
        faults = [f"{place}{name}" for name in (set(values) ^ set(names)) - {"global"}]
        inner = [name for name in values if isinstance(values[name], dict) and name in names]
        return faults + [fault for name in inner for fault in compare(values[name], names[name], f"{place}{name}.")]

    assert compare(VALUES, schema, "") == []
