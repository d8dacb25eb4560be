"""What deploy/ has for many machines: valid by its schemas, and true of what Vitrina really is."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import promql_parser
import pytest
import yaml
from asking import AppClient
from check_jsonschema.builtin_schemas import get_builtin_schema
from drawing import COLOURS, drawn_photo

from vitrina.serving.metrics import FAMILIES
from vitrina.settings import Settings

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
KNOWN = {f"VITRINA_{name.upper()}" for name in Settings.model_fields} | {"VITRINA_DATABASE_URL"}
"""What the environment may hold: settings, and where the database is."""

STUDY = ("inference_time_ms", "cold_start_ms", "ram_usage_mb", "cpu_percent", "model_size_mb")
OWN_IMAGES = ("registry.example/vitrina:latest", "registry.example/vitrina-ray:latest")


def documents(*files: Path) -> list[dict[str, Any]]:
    return [one for file in files for one in yaml.safe_load_all(file.read_text()) if one]


def inside(value: object) -> Iterator[dict[str, Any]]:
    """Every mapping in a document."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from inside(each)
    elif isinstance(value, list):
        for each in value:
            yield from inside(each)


def containers(*parts: object) -> list[dict[str, Any]]:
    return [one for part in parts for each in inside(part) for one in each.get("containers", [])]


# Compose


COMPOSE = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())


def test_compose_is_valid() -> None:
    jsonschema.validate(COMPOSE, get_builtin_schema("vendor.compose-spec"))
    wrong = COMPOSE | {"services": {"server": {"imagee": "x"}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, get_builtin_schema("vendor.compose-spec"))


def test_compose_mounts_what_is_there_and_publishes_to_this_machine_alone() -> None:
    services, kept = COMPOSE["services"], set(COMPOSE["volumes"])
    assert set(services) == {"server", "balancer", "postgres", "prometheus", "grafana"}
    for service in services.values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / "compose" / source).is_file(), source
            else:
                assert source in kept or source.startswith("${VITRINA_SHOP")
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")
    server = services["server"]
    assert "ports" not in server
    assert server["deploy"]["replicas"] > 1
    assert server["read_only"]
    assert server["cap_drop"] == ["ALL"]
    seconds = int(server["stop_grace_period"].rstrip("s"))
    assert seconds > Settings.model_fields["drain_seconds"].default + 3
    assert {name for name in server["environment"] if name.startswith("VITRINA_")} <= KNOWN


def test_balancer_sends_photos_straight_through_and_shows_no_metrics() -> None:
    text = (DEPLOY / "compose" / "balancer.conf").read_text()
    assert text.count("{") == text.count("}")
    assert "server server:8000 resolve" in text
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in text
    photo = text[text.index("location = /v1/search/photo") :].partition("}")[0]
    assert "proxy_request_buffering off;" in photo
    for route in ("/metrics", "/readyz"):
        assert f"location = {route} {{ return 404; }}" in text
    assert not re.search(r"\$(request_uri|args|query_string|request\b|http_)", text)


# Kubernetes


@pytest.mark.parametrize("version", ["1.32", "1.37"])
@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.name)
def test_manifests_are_valid(file: Path, version: str) -> None:
    for document in documents(file):
        kubernetes_validate.validate(document, version, strict=True)


def test_a_wrong_manifest_is_none() -> None:
    (deployment,) = (
        one for one in documents(*MANIFESTS) if one["metadata"]["name"] == "vitrina"
        and one["kind"] == "Deployment"
    )  # fmt: skip
    deployment["spec"]["replica"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, "1.37", strict=True)


def test_manifests_name_what_there_is() -> None:
    found = documents(*MANIFESTS)
    kustomization = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())
    assert all((DEPLOY / place).is_file() for place in kustomization["resources"])
    made = {}
    for generator in kustomization["configMapGenerator"]:
        files = [place.partition("=")[::2] for place in generator["files"]]
        made[generator["name"]] = {key if place else Path(key).name for key, place in files}
        for key, place in files:
            assert (DEPLOY / (place or key)).is_file()
    claims = {one["metadata"]["name"] for one in found if one["kind"] == "PersistentVolumeClaim"}
    services = {one["metadata"]["name"] for one in found if one["kind"] == "Service"}
    labels = [
        one["spec"]["template"]["metadata"]["labels"]
        for one in found
        if one["kind"] in ("Deployment", "StatefulSet")
    ]
    for part in (each for one in found for each in inside(one)):
        if "configMap" in part:
            assert part["configMap"]["name"] in made
        if "persistentVolumeClaim" in part:
            assert part["persistentVolumeClaim"]["claimName"] in claims
        if "subPath" in part:
            assert part["subPath"] in made["vitrina-grafana"]
    for one in found:
        if one["kind"] == "Service":
            assert one["spec"]["selector"] in labels
    addresses = re.findall(r"http://([\w-]+):", (DEPLOY / "monitoring/datasource.yml").read_text())
    scraped = documents(DEPLOY / "kubernetes" / "prometheus.yml")[0]["scrape_configs"][0]
    assert {*addresses, *scraped["dns_sd_configs"][0]["names"]} <= services


def test_containers_are_narrow_and_pinned() -> None:
    found = containers(*documents(*MANIFESTS, DEPLOY / "ray" / "kuberay.yaml"))
    assert len(found) == 7
    for one in found:
        assert one["image"] in OWN_IMAGES or re.search(r":v?\d+\.\d+", one["image"]), one["image"]
        allowed = one["securityContext"]
        assert allowed["allowPrivilegeEscalation"] is False
        assert allowed["capabilities"]["drop"] == ["ALL"]
        assert one["resources"]["limits"]["memory"]
        named = {entry["name"] for entry in one.get("env", [])}
        assert {name for name in named if name.startswith("VITRINA_")} <= KNOWN
        # a password stands in no file
        for entry in one.get("env", []):
            assert "value" not in entry or "PASSWORD" not in entry["name"]


def test_probes_ask_what_the_server_answers(client: AppClient) -> None:
    (server,) = (one for one in containers(*documents(*MANIFESTS)) if one["name"] == "server")
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert client.get(server[probe]["httpGet"]["path"]).status_code == 200
    assert server["args"][0] == "serve"


# Ray


def test_ray_up_takes_its_example() -> None:
    found = importlib.util.find_spec("ray")
    if found is None or not found.submodule_search_locations:
        pytest.skip("vitrina[scale] is not installed")
    schema = Path(found.submodule_search_locations[0]) / "autoscaler" / "ray-schema.json"
    jsonschema.validate(
        yaml.safe_load((DEPLOY / "ray" / "cluster.yaml").read_text()),
        json.loads(schema.read_text()),
    )


def test_kuberay_makes_pods_that_kubernetes_takes() -> None:
    (job,) = documents(DEPLOY / "ray" / "kuberay.yaml")
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    cluster = job["spec"]["rayClusterSpec"]
    assert set(cluster) == {
        "rayVersion", "headGroupSpec", "workerGroupSpecs",
    }  # fmt: skip
    claims = {
        one["metadata"]["name"]
        for one in documents(*MANIFESTS)
        if one["kind"] == "PersistentVolumeClaim"
    }
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ray"}, **group["template"]}
        kubernetes_validate.validate(pod, "1.37", strict=True)
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        # all nodes see the shop at one path
        (claim,) = pod["spec"]["volumes"]
        assert claim["persistentVolumeClaim"]["claimName"] in claims
        (mounted,) = pod["spec"]["containers"][0]["volumeMounts"]
        assert f"--shop {mounted['mountPath']}" in job["spec"]["entrypoint"]


def test_ray_is_one_version_everywhere() -> None:
    (pinned,) = re.findall(r"^ray==([\d.]+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    (job,) = documents(DEPLOY / "ray" / "kuberay.yaml")
    assert job["spec"]["rayClusterSpec"]["rayVersion"] == pinned
    assert f"ARG BASE=rayproject/ray:{pinned}-py311-cpu" in (DEPLOY / "ray/Dockerfile").read_text()


# Prometheus and Grafana


DASHBOARD = json.loads((DEPLOY / "monitoring" / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
RULES = yaml.safe_load((DEPLOY / "monitoring" / "alerts.yml").read_text())["groups"][0]["rules"]
ASKED = [
    *(target["expr"] for panel in PANELS for target in panel["targets"]),
    *(one["expr"] for one in DASHBOARD["annotations"]["list"]),
    *(rule["expr"] for rule in RULES),
]


def selectors(expression: Any) -> Iterator[Any]:
    """What a PromQL expression reads."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
    for name in ("expr", "lhs", "rhs", "vector_selector"):
        if (inner := getattr(expression, name, None)) is not None:
            yield from selectors(inner)
    for argument in getattr(expression, "args", None) or ():
        yield from selectors(argument)


def parsed(expression: str) -> Any:
    plain = expression.replace("$__rate_interval", "5m")
    return promql_parser.parse(re.sub(r"\$\w+", ".*", plain))


def shown_metrics(client: AppClient) -> dict[str, set[str]]:
    """Names that /metrics shows, with the labels that each has."""
    client.send_photo(drawn_photo(COLOURS["lampy"], kind="JPEG"))
    labels = {family.name: set(family.labels) for family in FAMILIES}
    found: dict[str, set[str]] = {"up": set()}
    for name, kind in re.findall(
        r"^# TYPE (\S+) (\w+)$", client.get("/metrics").text, re.MULTILINE
    ):
        own = labels.get(name, set()) | labels.get(re.sub("_(total|info)$", "", name), set())
        if kind == "histogram":
            found |= {f"{name}_bucket": {*own, "le"}, f"{name}_sum": own, f"{name}_count": own}
        else:
            found[name] = own
    return found


def test_every_metric_that_is_asked_for_is_there(client: AppClient) -> None:
    shown = shown_metrics(client)
    read = 0
    for expression in ASKED:
        for selector in selectors(parsed(expression)):
            read += 1
            assert selector.name in shown, expression
            matched = {matcher.name for matcher in selector.matchers.matchers}
            assert matched <= shown[selector.name] | {"job", "instance"}, expression
    assert read > len(ASKED)


def test_every_label_that_is_summed_by_is_there(client: AppClient) -> None:
    shown = shown_metrics(client)
    for expression in ASKED:
        for names in re.findall(r"by \(([\w, ]+)\)", expression):
            metrics = [one.name for one in selectors(parsed(expression))]
            for name in names.split(", "):
                assert any(name in shown[metric] for metric in metrics), expression


def test_dashboard_has_the_studys_criteria_and_the_business() -> None:
    titles = [panel["title"] for panel in DASHBOARD["panels"]]
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert set(STUDY) <= set(titles)
    assert rows == ["The study's five online criteria", "Load", "Business"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(titles)
    places = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for grid in [panel["gridPos"]]
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]
    assert len(places) == len(set(places)), "panels lie on one another"
    assert max(x for x, _ in places) == 23
    for panel in PANELS:
        assert panel["description"]
        assert panel["datasource"]["uid"] == "prometheus"


def test_alerts_are_those_of_the_page() -> None:
    page = (ROOT / "docs" / "operate.md").read_text()
    section = page[page.index("### Alerts worth having") :].partition("\n## ")[0]
    rows = re.findall(r"^\| `(.+?)`(?: for (\d+) m)? \|", section, re.MULTILINE)
    assert [(one["expr"], one.get("for", "")) for one in RULES] == [
        (expression.replace("\\|", "|"), f"{minutes}m" if minutes else "")
        for expression, minutes in rows
    ]
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("place", ["compose", "kubernetes"])
def test_prometheus_asks_every_server(place: str) -> None:
    (file,) = documents(DEPLOY / place / "prometheus.yml")
    (job,) = file["scrape_configs"]
    # the alerts name it
    assert job["job_name"] == "vitrina"
    (discovered,) = job["dns_sd_configs"]
    assert discovered["type"] == "A"
    assert discovered["port"] == Settings.model_fields["port"].default
