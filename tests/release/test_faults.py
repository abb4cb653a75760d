"""Faults of running pods: set in real pods of the playground, and refused in words."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from canarylab import resources
from canarylab.errors import ApiRefusedError, ClusterError
from canarylab.kube_objects import Object
from canarylab.manifests import CANARY, PRODUCTION, SERVICE, load
from canarylab.release import faults
from canarylab.release.apply import apply
from canarylab.release.connection import Connection
from canarylab.release.endpoints import ready_endpoints
from canarylab.release.faults import Answer, faults_of, faults_url, is_running, set_faults
from canarylab.release.network_sync import wait_for_service
from canarylab.release.pod_exec import ExecResult
from canarylab.release.rollout import (
    pods_of,
    scale,
    wait_until_rolled_out,
    waiting_reasons,
)
from canarylab.release.stages import reset_to
from canarylab.runtime import wait_until
from tests.needs import needs
from tests.running_playground import RunningPlayground

NONE = ("0", "0", "0", "1")
PODS: list[Object] = [
    {"metadata": {"name": name}, "status": {"phase": "Running", "podIP": address}}
    for name, address in (("web-1", "10.1.0.7"), ("web-2", "10.1.0.8"))
]
for each in PODS:
    each["spec"] = {"containers": [{}]}
CRASHED = {"name": "nodeapp", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}


@pytest.fixture(scope="module")
def canary(playground: RunningPlayground) -> Iterator[Connection]:
    """One pod of production, and two of a canary that lets faults be set."""
    manifests = resources.folder("manifests")
    with closing(Connection(playground.kubeconfig)) as connection:
        reset_to(connection, "empty", manifests)
        reset_to(connection, "02-production", manifests)
        apply(connection, load(manifests / "09-judge" / "canary.yaml"))
        scale(connection, PRODUCTION, 1)
        scale(connection, CANARY, 2)
        for name in (PRODUCTION, CANARY):
            wait_until_rolled_out(connection, name)
        yield connection
        playground.delete_pods_at_once()
        reset_to(connection, "empty", manifests)


@pytest.fixture(autouse=True)
def no_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test with real pods."""
    yield
    if "canary" in request.fixturenames:
        nothing = {name: 0 for name in faults.FAULTS if name != "latency_share"}
        set_faults(request.getfixturevalue("canary"), CANARY, {**nothing, "latency_share": 1})


def status(address: str, path: str = "/", **headers: str) -> int:
    """Of one request."""
    with closing(http.client.HTTPConnection(address, timeout=20)) as connection:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status


def crashes(connection: Connection, deployment: Object) -> bool:
    """Whether one of the pods waits for another start."""
    return "CrashLoopBackOff" in waiting_reasons(pods_of(connection, deployment))


def pods_of_canary(connection: Connection) -> dict[str, str]:
    """Names and addresses, in the order of the names."""
    ready = ready_endpoints(connection, SERVICE)
    return {each.pod: each.address for each in ready if each.version == "2.0"}


@needs("linux")
class TestInRealPods:
    def test_faults_of_one_pod_leave_the_other_pod_as_it_is(self, canary: Connection) -> None:
        (one, address), (other, other_address) = pods_of_canary(canary).items()

        shown = set_faults(canary, one, {"error_rate": 1})

        assert shown.sentence == "Set in 1 pod, until it ends."
        assert shown.rows == [(one, "1", "0", "0", "1")]
        assert [status(address), status(other_address)] == [500, 200]
        assert set_faults(canary, other, {}).rows == [(other, *NONE)]

    def test_the_name_of_a_deployment_means_each_of_its_pods(self, canary: Connection) -> None:
        shown = set_faults(canary, CANARY, {"latency_ms": 1.5, "latency_share": Fraction(1, 50)})

        assert shown.sentence == "Set in 2 pods, until they end."
        assert {row[1:] for row in shown.rows} == {("0", "1.5", "0", "0.02")}
        assert {row[0] for row in shown.rows} == set(pods_of_canary(canary))

    def test_without_changes_they_are_shown(self, canary: Connection) -> None:
        set_faults(canary, CANARY, {"error_rate": 0.25})

        shown = set_faults(canary, CANARY, {})

        assert shown.sentence == "The faults of 2 pods."
        assert {row[1:] for row in shown.rows} == {("0.25", "0", "0", "1")}

    def test_what_is_not_named_stays(self, canary: Connection) -> None:
        set_faults(canary, CANARY, {"error_rate": 0.25})

        shown = set_faults(canary, CANARY, {"latency_jitter_ms": 3})

        assert {row[1:] for row in shown.rows} == {("0.25", "0", "3", "1")}

    def test_a_failing_pod_stays_ready(self, canary: Connection) -> None:
        set_faults(canary, CANARY, {"error_rate": 1, "latency_ms": 60_000})

        assert {status(each, "/readyz") for each in pods_of_canary(canary).values()} == {200}

    @pytest.mark.parametrize(
        ("name", "value", "shown"),
        [
            ("error_rate", 2, "2"),
            ("error_rate", -0.1, "-0.1"),
            ("error_rate", float("nan"), '"nan"'),
            ("error_rate", "often", '"often"'),
            ("error_rate", True, '"True"'),
            ("latency_ms", float("inf"), '"inf"'),
            ("latency_ms", 60_001, "60001"),
            ("latency_jitter_ms", -1, "-1"),
            ("latency_share", 1.01, "1.01"),
        ],
    )
    def test_a_value_out_of_bounds_is_refused_and_changes_nothing(
        self, canary: Connection, name: str, value: object, shown: str
    ) -> None:
        words = rf"^{name} is {re.escape(shown)}, which is not .*\. Give a number from 0 to "

        with pytest.raises(ValueError, match=words):
            set_faults(canary, CANARY, {name: value})

        assert {row[1:] for row in set_faults(canary, CANARY, {}).rows} == {NONE}

    def test_a_pod_that_does_not_allow_it_says_how_to_allow_it(self, canary: Connection) -> None:
        allow = "`kubectl set env deployment/nodeapp-production FAULTS=allowed` allows it"

        with pytest.raises(ClusterError, match=f"does not let its faults be set. {allow}"):
            set_faults(canary, PRODUCTION, {"error_rate": 1})

    @pytest.mark.parametrize("name", ["nobody", "nodeapp-svc", "a,b", "no such"])
    def test_neither_a_pod_nor_a_deployment(self, canary: Connection, name: str) -> None:
        with pytest.raises(ClusterError, match=f'There is no pod and no Deployment "{name}"'):
            set_faults(canary, name, {"error_rate": 1})

    def test_an_empty_name(self, canary: Connection) -> None:
        with pytest.raises(ValueError, match="The name of the pod is empty"):
            set_faults(canary, "", {"error_rate": 1})

    def test_a_visitor_of_the_service_reaches_no_faults(
        self, canary: Connection, playground: RunningPlayground
    ) -> None:
        url = playground.node_port_url
        wait_for_service(canary, SERVICE, url)

        statuses = {status(url.removeprefix("http://"), "/faults") for _ in range(30)}

        assert statuses <= {403, 404}  # a pod of the canary, one of production

    def test_a_request_to_the_pod_itself_does(self, canary: Connection) -> None:
        address, _ = pods_of_canary(canary).values()

        assert status(address, "/faults") == 200
        assert status(address, "/faults", **{"X-Forwarded-For": "10.0.0.1"}) == 403


@needs("linux")
def test_a_deployment_without_pods_has_nothing_to_set(connection: Connection) -> None:
    manifests = resources.folder("manifests")
    (deployment,) = load(manifests / "09-judge" / "canary.yaml")
    deployment["spec"]["replicas"] = 0
    apply(connection, [deployment])

    with pytest.raises(ClusterError, match=r'"nodeapp-canary" has no running pod, so no faults'):
        set_faults(connection, CANARY, {"error_rate": 1})


@needs("linux")
def test_during_a_rollout_that_fails_the_pod_that_runs_is_set(connection: Connection) -> None:
    (deployment,) = load(resources.folder("manifests") / "09-judge" / "canary.yaml")
    apply(connection, [deployment])
    wait_until_rolled_out(connection, CANARY)
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["env"].append({"name": "ERROR_RATE", "value": "2"})
    apply(connection, [deployment])
    assert wait_until(lambda: crashes(connection, deployment), timeout_s=30)

    assert len(set_faults(connection, CANARY, {"error_rate": 0.5}).rows) == 1


@needs("linux")
def test_the_config_map_of_lesson_09_gives_the_canary_its_faults(connection: Connection) -> None:
    labels = {"name": "nodeapp-canary-faults", "labels": {"app": "nodeapp"}}
    config_map = {"metadata": labels, "data": {"ERROR_RATE": "0.03"}}
    connection.core.create_namespaced_config_map(connection.namespace, config_map)
    apply(connection, load(resources.folder("manifests") / "09-judge" / "canary.yaml"))
    wait_until_rolled_out(connection, CANARY)

    shown = set_faults(connection, CANARY, {})

    assert [row[1:] for row in shown.rows] == [("0.03", "0", "0", "1")]
    connection.core.delete_namespaced_config_map("nodeapp-canary-faults", connection.namespace)


class FakeCluster:
    """Two pods, and what a program in one of them prints."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, output: str, *notes: str) -> None:
        self.argument: Any = None
        self._result = ExecResult(output, 0, notes)
        monkeypatch.setattr(faults, "run_program", self._run)
        monkeypatch.setattr(faults, "_pods_named", lambda connection, name: PODS)

    def _run(self, connection: object, pod: str, program: str, argument: str) -> ExecResult:
        self.argument = json.loads(argument)
        return self._result

    def set_faults(self, **changes: object) -> Any:
        """In the Deployment of the two."""
        return set_faults(None, "web", changes)  # type: ignore[arg-type]


def answers(*found: tuple[int, str]) -> str:
    """As the program prints them."""
    return json.dumps(found) + "\n"


SET = json.dumps({"error_rate": 0.5, "latency_ms": 0, "latency_jitter_ms": 0, "latency_share": 1})


def test_one_program_asks_every_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster(monkeypatch, answers((200, SET), (200, SET)))

    shown = cluster.set_faults(error_rate=0.5)

    urls = ["http://10.1.0.7:3333/faults", "http://10.1.0.8:3333/faults"]
    assert cluster.argument == {"urls": urls, "changes": {"error_rate": 0.5}}
    assert shown.rows == [("web-1", "0.5", "0", "0", "1"), ("web-2", "0.5", "0", "0", "1")]


def test_that_a_helper_pod_sent_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster(monkeypatch, answers((200, SET), (200, SET)), "A helper pod sent it.")

    assert cluster.set_faults().notes == ("A helper pod sent it.",)


def test_a_warning_before_the_answers_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    output = "(node:7) Warning: old\n" + answers((200, SET), (200, SET))

    assert len(FakeCluster(monkeypatch, output).set_faults().rows) == 2


def test_a_program_that_ends_early_is_told_with_its_output(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = FakeCluster(monkeypatch, "ReferenceError: fetch is not defined\n")

    with pytest.raises(ClusterError, match=r"inside web-1 .* early: ReferenceError: fetch is not"):
        cluster.set_faults(error_rate=0.5)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((404, ""), "web-2 does not let its faults be set. Set FAULTS to allowed in"),
        ((0, "TimeoutError: aborted."), r"web-2 did not answer: TimeoutError: aborted\. `kubectl"),
        ((403, '"came through a proxy."'), 'web-2 refused: "came through a proxy."'),
        ((502, "no pod"), "web-2 refused: no pod"),
    ],
)
def test_the_pod_that_refuses_is_named(
    monkeypatch: pytest.MonkeyPatch, answer: tuple[int, str], words: str
) -> None:
    cluster = FakeCluster(monkeypatch, answers((200, SET), answer))

    with pytest.raises(ClusterError, match=words):
        cluster.set_faults(error_rate=0.5)


def test_the_app_has_these_faults_and_no_others() -> None:
    source = (resources.folder("app") / "src" / "faults.ts").read_text()
    limits = source.partition("export const LIMITS = {")[2].partition("}")[0]

    assert tuple(re.findall(r"(\w+):", limits)) == faults.FAULTS


def test_a_pod_with_an_ipv6_address_and_a_port_of_its_own() -> None:
    containers = [{"ports": [{"containerPort": 8080}]}]
    pod = {"status": {"podIP": "fd00::7"}, "spec": {"containers": containers}}

    assert faults_url(pod) == "http://[fd00::7]:8080/faults"


@pytest.mark.parametrize(
    "pod",
    [
        {"metadata": {}, "status": {"phase": "Pending"}},
        {"metadata": {}, "status": {"phase": "Running"}},
        {"metadata": {}, "status": {"phase": "Failed", "podIP": "10.1.0.7"}},
        {"metadata": {"deletionTimestamp": "now"}, "status": PODS[0]["status"]},
        {"metadata": {}, "status": {**PODS[0]["status"], "containerStatuses": [CRASHED]}},
        {"metadata": {}},
    ],
)
def test_only_running_pods_are_asked(pod: Object) -> None:
    assert not is_running(pod)


def test_the_deployment_of_a_pod_is_named_without_its_hash() -> None:
    owner = {"name": "web-app-5f6d", "controller": True}
    labels = {"pod-template-hash": "5f6d"}
    pod = {"metadata": {"name": "w", "labels": labels, "ownerReferences": [owner]}}

    with pytest.raises(ClusterError, match="set env deployment/web-app FAULTS=allowed"):
        faults_of(pod, Answer(404, ""))


def test_a_refusal_to_read_the_pod_is_told() -> None:
    def refuse(name: str, namespace: str) -> None:
        raise ApiException(403, f"no {name} in {namespace}: Forbidden")

    core = SimpleNamespace(read_namespaced_pod=refuse)

    with pytest.raises(ApiRefusedError, match="Forbidden"):
        set_faults(SimpleNamespace(core=core, namespace="default"), "web", {})  # type: ignore[arg-type]
