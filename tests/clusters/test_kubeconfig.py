"""A guest on somebody else's cluster."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from urllib3.exceptions import HTTPError

from canarylab.checks import check
from canarylab.clusters.adapt_manifest import RETIRED
from canarylab.clusters.base import ServiceAddress
from canarylab.clusters.choose import describe_absence
from canarylab.clusters.kubeconfig import Kubeconfig
from canarylab.errors import ClusterError, IngressAddressError, SetupError
from canarylab.kube_objects import Object
from canarylab.lab import Lab
from canarylab.playground.home import Home
from canarylab.release.connection import Connection
from canarylab.traffic.sampler import Progress, ProgressLine
from tests.built_images import built
from tests.needs import needs
from tests.restricted_cluster import CONTEXT, NAMESPACE, RestrictedCluster, StudentRules
from tests.running_playground import RunningPlayground

pytestmark = [needs("linux"), pytest.mark.slow]
NODE_PORT = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80, "nodePort": 30123}]}}
LOOK = "list ingressclasses"
INGRESS: Object = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "web", "labels": {"app": "nodeapp"}},
    "spec": {
        "ingressClassName": "nginx",
        "defaultBackend": {"service": {"name": "web", "port": {"number": 80}}},
    },
}


def silent(words: str) -> None:
    """Nobody watches."""


@pytest.fixture
def lab(
    restricted_cluster: RestrictedCluster, playground: RunningPlayground, tmp_path: Path
) -> Iterator[Lab]:
    """There, and gone again."""
    built(tmp_path / "home" / "images")
    lab = Lab()
    lab.reset("empty")
    yield lab
    playground.delete_pods_at_once(NAMESPACE)
    lab.close()


def without(restricted_cluster: RestrictedCluster, verb: str, resource: str) -> None:
    """Take one right away from the guest."""
    for rule in restricted_cluster.rules.role:
        if resource in rule["resources"]:
            rule["verbs"] = [each for each in rule["verbs"] if each != verb]


def test_a_lab_says_where_it_is(lab: Lab) -> None:
    assert repr(lab).startswith(
        f"You are on context {CONTEXT}, namespace {NAMESPACE}, because the variable "
        "CANARYLAB_CLUSTER says so."
    )
    assert lab.namespace == NAMESPACE


def test_where_node_ports_are_not_allowed_traffic_goes_through_the_api_server(
    lab: Lab, restricted_cluster: RestrictedCluster
) -> None:
    lab.reset("03-canary")

    sample = lab.sample(requests=60, keep_alive=1)

    assert lab.core.read_namespaced_service("nodeapp-svc", NAMESPACE).spec.type == "ClusterIP"
    assert sample.cluster == f"context {CONTEXT}, through the API server's proxy"
    assert (sample.balanced_per, sample.failed, sample.trials) == ("request", 0, 60)
    assert len(sample.by_pod) == 4  # one connection, and still every pod has answered
    assert restricted_cluster.rules.refused == []


def test_where_they_are_the_api_chooses_one_and_traffic_takes_it(
    lab: Lab, restricted_cluster: RestrictedCluster
) -> None:
    del restricted_cluster.rules.quota["services.nodeports"]
    lab.cluster.start(silent)  # asks anew what is allowed

    lab.reset("03-canary")
    sample = lab.sample(requests=40)

    port = lab.core.read_namespaced_service("nodeapp-svc", NAMESPACE).spec.ports[0].node_port
    assert sample.url == f"http://127.0.0.1:{port}"
    assert (sample.cluster, sample.balanced_per) == (f"context {CONTEXT}", "connection")


def test_a_guest_sees_the_diagram_and_asks_for_nothing_that_is_forbidden(
    lab: Lab, restricted_cluster: RestrictedCluster
) -> None:
    lab.reset("03-canary")

    words = repr(lab.diagram())

    assert "1 Service and 4 pods, of which 4 are ready." in words
    assert "Only pods reach Service nodeapp-svc: it has no node port" in words
    assert restricted_cluster.rules.refused == []


def test_an_applied_service_says_at_once_what_became_of_its_node_port(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = lab.apply("manifests/02-production/service.yaml")

    assert repr(shown) == "service/nodeapp-svc created"
    assert capsys.readouterr().out == (
        "service/nodeapp-svc: type ClusterIP instead of NodePort, "
        "because this namespace may not have node ports\n"
    )


def test_where_exec_is_forbidden_a_helper_pod_sends_the_request(
    lab: Lab, restricted_cluster: RestrictedCluster
) -> None:
    lab.reset("02-production")
    first, second, *_ = lab.ready_endpoints()

    said = lab.get_from_pod(first.pod, f"http://{second.address}")

    assert said.sentence == '"Version 1.0"'
    assert said.notes == (
        f"You may not run commands in {first.pod} here, so a helper pod sent the request.",
    )
    assert restricted_cluster.rules.refused == ["get pods/exec"]


def test_where_exec_is_forbidden_a_helper_pod_sets_the_faults(
    lab: Lab, restricted_cluster: RestrictedCluster
) -> None:
    lab.reset("02-production")
    lab.apply("manifests/09-judge/canary.yaml")
    lab.scale("nodeapp-canary", 2)

    shown = lab.set_faults("nodeapp-canary", error_rate=0.5)

    assert shown.sentence == "Set in 2 pods, until they end."
    assert {row[1:] for row in shown.rows} == {("0.5", "0", "0", "1")}
    assert "so a helper pod sent the request." in shown.notes[0]
    assert restricted_cluster.rules.refused == ["get pods/exec"]


def test_an_unreachable_address_is_told_and_the_helper_pod_deleted(lab: Lab) -> None:
    lab.reset("02-production")

    said = lab.get_from_pod(lab.ready_endpoints()[0].pod, "http://127.0.0.1:3334")

    assert "ECONNREFUSED" in said.sentence
    assert [each[0] for each in lab.pods().rows if "errand" in str(each[0])] == []


def test_neither_nodes_nor_namespaces_are_ever_asked_for(
    lab: Lab, restricted_cluster: RestrictedCluster
) -> None:
    lab.reset("03-canary")
    lab.scale("nodeapp-canary", 2)
    lab.promote("image")

    assert {each.version for each in lab.ready_endpoints()} == {"2.0"}
    assert restricted_cluster.rules.refused == []


def test_stopping_leaves_somebody_elses_cluster_alone(
    restricted_cluster: RestrictedCluster,
) -> None:
    assert Kubeconfig().stop() is False


@pytest.mark.parametrize("verb", ["list", "create"])
def test_a_right_that_is_missing_is_named_before_anything_is_made(
    restricted_cluster: RestrictedCluster, verb: str
) -> None:
    without(restricted_cluster, verb, "deployments")

    with pytest.raises(SetupError) as refused:
        Lab()

    assert f"you may not do what the lessons need:\n  {verb} deployments: " in str(refused.value)
    assert "docs/shared-cluster.md" in str(refused.value)


def test_all_that_is_missing_is_named_at_once(restricted_cluster: RestrictedCluster) -> None:
    without(restricted_cluster, "list", "pods")
    without(restricted_cluster, "list", "endpointslices")

    with pytest.raises(SetupError, match=r"list pods: .*\n  list endpointslices: "):
        Lab()


def test_a_namespace_that_is_missing(
    playground: RunningPlayground, restricted_cluster: RestrictedCluster
) -> None:
    said = yaml.safe_load(playground.kubeconfig.read_text())  # its owner may do everything
    said["contexts"][0]["context"]["namespace"] = "nowhere"
    restricted_cluster.kubeconfig.write_text(yaml.safe_dump(said))

    with pytest.raises(SetupError, match='There is no namespace "nowhere" on the cluster'):
        Lab()


def test_a_token_that_nobody_knows(restricted_cluster: RestrictedCluster) -> None:
    said = yaml.safe_load(restricted_cluster.kubeconfig.read_text())
    said["users"][0]["user"]["token"] = "stale"
    restricted_cluster.kubeconfig.write_text(yaml.safe_dump(said))

    with pytest.raises(SetupError, match="does not accept your credentials: Unauthorized"):
        Lab()


def test_a_cluster_that_does_not_answer(restricted_cluster: RestrictedCluster) -> None:
    said = yaml.safe_load(restricted_cluster.kubeconfig.read_text())
    said["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    restricted_cluster.kubeconfig.write_text(yaml.safe_dump(said))

    with pytest.raises(SetupError, match="does not answer at https://"):
        Lab()


def test_an_unknown_context(
    restricted_cluster: RestrictedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARYLAB_CONTEXT", "nowhere")

    with pytest.raises(SetupError, match=f'There is no context "nowhere" .* {CONTEXT}'):
        Lab()


def test_no_way_to_the_service_is_said_with_the_right_that_is_missing(
    lab: Lab, restricted_cluster: RestrictedCluster
) -> None:
    lab.reset("02-production")
    without(restricted_cluster, "get", "services/proxy")

    with pytest.raises(ClusterError, match="services/proxy"):
        lab.url()


@needs("kubectl")
def test_the_kubeconfig_that_is_shown_works_with_kubectl(lab: Lab) -> None:
    told = subprocess.run(
        ["kubectl", "--kubeconfig", lab.cluster.kubeconfig, "get", "pods"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert f"No resources found in {NAMESPACE} namespace." in told.stderr


def test_another_context_is_chosen_without_touching_the_users_file(
    restricted_cluster: RestrictedCluster, tmp_path: Path
) -> None:
    said = yaml.safe_load(restricted_cluster.kubeconfig.read_text())
    said["current-context"] = "another"
    restricted_cluster.kubeconfig.write_text(yaml.safe_dump(said))
    before = restricted_cluster.kubeconfig.read_text()

    cluster = Kubeconfig(Home(tmp_path / "home"), context=CONTEXT)

    assert (
        cluster.kubeconfig
        == f"{tmp_path / 'home' / 'context.kubeconfig'}:{restricted_cluster.kubeconfig}"
    )
    assert restricted_cluster.kubeconfig.read_text() == before


def test_where_a_service_might_answer(restricted_cluster: RestrictedCluster) -> None:
    cluster = Kubeconfig()

    assert cluster.addresses(NODE_PORT, ["10.0.0.5", "fd00::5"]) == [
        ServiceAddress(
            f"http://{host}:30123", "node port 30123", needs_check=True, sync_delay_s=1.0
        )
        for host in ("127.0.0.1", "10.0.0.5", "[fd00::5]")
    ]


def test_a_load_balancer_comes_first(restricted_cluster: RestrictedCluster) -> None:
    status = {"loadBalancer": {"ingress": [{"hostname": "lb.example"}, {"ip": "192.0.2.7"}]}}

    first, second, *_ = Kubeconfig().addresses({**NODE_PORT, "status": status}, [])

    assert (first.url, second.url) == ("http://lb.example:80", "http://192.0.2.7:80")


def test_without_a_registry_it_is_said_that_images_stay_here(
    restricted_cluster: RestrictedCluster,
) -> None:
    assert Kubeconfig().load_image("node_app:1.0", silent) == (
        "The images are on this machine only. If the cluster does not have them, name a "
        "registry with CANARYLAB_REGISTRY."
    )


@pytest.fixture
def without_nginx(connection: Connection) -> Iterator[Connection]:
    """The owner of a cluster whose class nginx is away for the length of a test."""
    networking = connection.networking
    (nginx,) = connection.plain(networking.list_ingress_class())["items"]
    networking.delete_ingress_class("nginx")
    yield connection
    for found in networking.list_ingress_class().items:
        networking.delete_ingress_class(found.metadata.name)
    metadata = {"name": "nginx", "labels": nginx["metadata"]["labels"]}
    networking.create_ingress_class({"metadata": metadata, "spec": nginx["spec"]})


def ingress_class_name(connection: Connection) -> str:
    found = connection.networking.read_namespaced_ingress("web", NAMESPACE)
    return str(found.spec.ingress_class_name)


def test_who_may_not_list_the_classes_goes_on_with_nginx(
    lab: Lab,
    restricted_cluster: RestrictedCluster,
    connection: Connection,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lab.apply(INGRESS)

    assert ingress_class_name(connection) == "nginx"
    assert capsys.readouterr().out == ""
    assert restricted_cluster.rules.refused == [LOOK]


def test_of_ingress_nginx_it_is_said_that_it_is_retired(
    lab: Lab, restricted_cluster: RestrictedCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    restricted_cluster.rules.cluster_role.add(LOOK)

    lab.apply(INGRESS)

    assert capsys.readouterr().out == f"{RETIRED}\n"


def test_the_class_that_is_there_is_taken_with_a_note_on_annotations(
    without_nginx: Connection,
    lab: Lab,
    restricted_cluster: RestrictedCluster,
    capsys: pytest.CaptureFixture[str],
) -> None:
    restricted_cluster.rules.cluster_role.add(LOOK)
    without_nginx.networking.create_ingress_class(
        {"metadata": {"name": "haproxy"}, "spec": {"controller": "example.com/haproxy"}}
    )

    lab.apply(INGRESS)

    assert ingress_class_name(without_nginx) == "haproxy"
    assert capsys.readouterr().out.splitlines() == [
        "This cluster has no IngressClass nginx, so Ingresses get the class haproxy. "
        "Its controller, example.com/haproxy, may not support the annotations of ingress-nginx.",
        "ingress.networking.k8s.io/web: class haproxy instead of nginx, "
        "which this cluster does not have",
    ]


def test_asking_what_is_allowed_anew_does_not_forget_the_class(
    without_nginx: Connection, lab: Lab, restricted_cluster: RestrictedCluster
) -> None:
    restricted_cluster.rules.cluster_role.add(LOOK)
    without_nginx.networking.create_ingress_class(
        {"metadata": {"name": "haproxy"}, "spec": {"controller": "example.com/haproxy"}}
    )
    lab.apply(INGRESS)

    lab.cluster.start(lambda _words: None)

    assert lab.cluster.adapt_manifest(INGRESS).object["spec"]["ingressClassName"] == "haproxy"


def test_a_cluster_without_any_class_says_so(
    without_nginx: Connection,
    lab: Lab,
    restricted_cluster: RestrictedCluster,
    capsys: pytest.CaptureFixture[str],
) -> None:
    restricted_cluster.rules.cluster_role.add(LOOK)

    lab.apply(INGRESS)

    assert capsys.readouterr().out.startswith(
        "This cluster has no IngressClass, so it may have no controller"
    )


def test_where_no_ingress_reports_an_address_the_rules_are_explained_and_the_weight_is_set(
    lab: Lab, restricted_cluster: RestrictedCluster
) -> None:
    restricted_cluster.rules.hides_ingress_addresses = True
    lab.reset("03-canary")
    for name in ("services", "ingress", "canary"):
        lab.apply(f"manifests/07-weights/{name}.yaml")

    lab.set_weight(25)
    shares = lab.explain_route("/").shares

    assert shares == {"nodeapp-svc-prod:80": 0.75, "nodeapp-svc-canary-weighted:80": 0.25}
    with pytest.raises(IngressAddressError, match="reports an address") as refused:
        lab.sample_ingress("/")
    assert "no controller" not in str(refused.value)


@pytest.mark.parametrize(
    "restricted_cluster",
    [replace(StudentRules.from_manifest(), missing_group="gateway.networking.k8s.io")],
    indirect=True,
)
def test_without_the_gateway_api_a_sample_says_so(lab: Lab) -> None:
    lab.apply("manifests/08-gateway-api/httproute.yaml")

    said = lab.wait_accepted("nodeapp-split").sentence
    sample = lab.sample_httproute("nodeapp-split")

    assert said == "nodeapp-split is not served: this cluster has no Gateway API."
    assert repr(sample) == f"{said} No request was sent."
    assert check(lab, "half goes to the canary").reason == f"{said} No request was sent"


def test_a_cluster_that_goes_away_is_not_said_to_be_started_by_canarylab(
    lab: Lab, restricted_cluster: RestrictedCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab.cluster.status() is not None

    restricted_cluster.rules.has_gone = True
    with pytest.raises(ClusterError) as error:
        lab.pods()
    with pytest.raises(HTTPError) as raw:
        lab.core.list_namespaced_pod(NAMESPACE)
    status = lab.cluster.status()
    restricted_cluster.rules.has_gone = False

    advice = (
        "Is it running? `canarylab status --cluster kubeconfig` says; only the people who run it "
        "can start it."
    )
    assert str(error.value) == f"The cluster did not answer a request about the pods. {advice}"
    assert raw.value.__notes__ == [advice]
    assert status is None
    assert describe_absence(lab.cluster).startswith(
        f"Context {CONTEXT}, namespace {NAMESPACE}, does not answer. "
    )


def test_a_sample_that_is_interrupted_shows_what_it_has(
    lab: Lab, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.reset("02-production")
    presses = iter([press_ctrl_c])

    def press_after_the_first_answer(_: ProgressLine, progress: Progress) -> None:
        if progress.done:
            next(presses, list)()

    monkeypatch.setattr(ProgressLine, "__call__", press_after_the_first_answer)

    sample = lab.sample(requests=100_000)

    said = f"Interrupted after {sample.total:,} of 100,000 requests."
    assert capsys.readouterr().out == f"{said}\n"
    assert sample.notes == (said,)
    assert 0 < sample.total < 100_000
    assert sample.expected == {"1.0": 1.0}
    assert sample.cluster == f"context {CONTEXT}, through the API server's proxy"


def press_ctrl_c() -> None:
    """As the kernel's interrupt does."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
