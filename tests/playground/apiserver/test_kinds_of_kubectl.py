"""The kinds of people's manifests, made by the commands of the real kubectl, and printed by it."""

from __future__ import annotations

import pytest

from canarylab.kube_objects import Key
from canarylab.playground.kube.kinds import UNSERVED_KINDS, Kind
from tests.needs import needs
from tests.playground.apiserver.server import Server

pytestmark = needs("kubectl")
MADE = {
    "serviceaccount robot": "serviceaccount/robot",
    "role reader --verb=get,list --resource=pods --resource-name=a": (
        "role.rbac.authorization.k8s.io/reader"
    ),
    "rolebinding readers --role=reader --serviceaccount=default:robot --user=ann --group=team": (
        "rolebinding.rbac.authorization.k8s.io/readers"
    ),
    "clusterrole viewer --verb=get --non-resource-url=/healthz": (
        "clusterrole.rbac.authorization.k8s.io/viewer"
    ),
    "clusterrolebinding viewers --clusterrole=viewer --user=ann": (
        "clusterrolebinding.rbac.authorization.k8s.io/viewers"
    ),
    "poddisruptionbudget half --selector=app=nodeapp --max-unavailable=50%": (
        "poddisruptionbudget.policy/half"
    ),
    "job smoke --image=node_app:1.0 -- node -e 1": "job.batch/smoke",
}


@pytest.mark.parametrize("command", MADE)
async def test_kubectl_creates_it(server: Server, command: str) -> None:
    result = await server.kubectl(f"create {command}")
    assert (result.out.strip(), result.err) == (f"{MADE[command]} created", "")


async def test_kubectl_autoscales(server: Server) -> None:
    await server.kubectl("create deployment web --image=node_app:1.0")
    result = await server.kubectl("autoscale deployment web --min=2 --max=5 --cpu-percent=80")
    assert result.out == "horizontalpodautoscaler.autoscaling/web autoscaled\n"
    shown = (await server.kubectl("get hpa --no-headers")).out.split()
    assert shown[:-1] == ["web", "Deployment/web", "cpu:", "<unknown>/80%", "2", "5", "0"]


async def test_a_job_gets_the_labels_by_which_it_finds_its_pods(server: Server) -> None:
    await server.kubectl("create job smoke --image=node_app:1.0 -- node -e 1")
    job = await server.api.get("Job", Key("default", "smoke"))
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert labels == {
        "batch.kubernetes.io/controller-uid": job["metadata"]["uid"],
        "batch.kubernetes.io/job-name": "smoke",
        "controller-uid": job["metadata"]["uid"],
        "job-name": "smoke",
    }
    assert job["metadata"]["labels"] == labels
    assert job["spec"]["selector"] == {
        "matchLabels": {"batch.kubernetes.io/controller-uid": job["metadata"]["uid"]}
    }


async def test_who_has_the_kubeconfig_may_do_everything(server: Server) -> None:
    for question in ("create deployments", "'*' '*'", "get /logs", "list pods --as somebody"):
        assert (await server.kubectl(f"auth can-i {question}")).out == "yes\n"


async def test_kubectl_lists_what_the_token_may_do(server: Server) -> None:
    listed = await server.kubectl("auth can-i --list")
    assert (listed.code, listed.err) == (0, "")
    assert [line.split() for line in listed.out.splitlines()[1:]] == [
        ["*.*", "[]", "[]", "[*]"],
        ["[*]", "[]", "[*]"],
    ]


async def test_kubectl_says_whose_the_token_is(server: Server) -> None:
    assert "system:masters" in (await server.kubectl("auth whoami")).out


async def test_a_token_of_an_account_is_refused_with_another_way(server: Server) -> None:
    refused = await server.kubectl("create token default")
    assert refused.err == (
        "error: failed to create token: the playground makes no tokens, because its API server "
        "accepts that of the kubeconfig alone. Use the kubeconfig, or use a cluster on kind "
        "(canarylab up --cluster kind).\n"
    )


async def test_an_account_is_looked_up_when_a_pod_is_made(server: Server) -> None:
    command = 'run web --image=node_app:1.0 --overrides={"spec":{"serviceAccountName":"robot"}}'
    refused = await server.kubectl(command)
    assert refused.err == (
        'Error from server (Forbidden): pods "web" is forbidden: error looking up service account '
        'default/robot: serviceaccount "robot" not found\n'
    )
    await server.kubectl("create serviceaccount robot")
    assert (await server.kubectl(command)).out == "pod/web created\n"


UNSERVED = """
apiVersion: {kind.api_version}
kind: {kind.kind}
metadata: {{name: one}}
"""


@pytest.mark.parametrize("kind", UNSERVED_KINDS, ids=lambda kind: kind.kind)
async def test_a_kind_that_is_not_served_says_so(server: Server, kind: Kind) -> None:
    refused = await server.kubectl("apply -f -", stdin=UNSERVED.format(kind=kind))
    assert refused.err == (
        'Error from server (MethodNotAllowed): error when creating "STDIN": the playground does '
        f"not serve {kind.kind} ({kind.api_version}). {kind.instead}, "
        "or use a cluster on kind (canarylab up --cluster kind).\n"
    )


async def test_a_kind_that_is_not_served_is_not_listed(server: Server) -> None:
    named = (await server.kubectl("api-resources -o name")).out.split()
    assert "deployments.apps" in named
    assert {kind.qualified for kind in UNSERVED_KINDS} & set(named) == set()
    everything = await server.kubectl("get all --all-namespaces")
    assert (everything.code, everything.err) == (0, "")


async def test_an_object_of_a_kind_that_is_not_served_is_not_found(server: Server) -> None:
    answer = await server.request("GET", "/apis/apps/v1/namespaces/default/statefulsets/db")
    assert (answer.code, answer.body["reason"]) == (404, "NotFound")
    gone = await server.kubectl("delete statefulset db --ignore-not-found")
    assert (gone.code, gone.err) == (0, "")


def warning_of(kind: Kind) -> str:
    """What kubectl prints on the list of a kind that is not served."""
    return (
        f"Warning: the playground does not serve {kind.kind} ({kind.api_version}). {kind.instead}, "
        "or use a cluster on kind (canarylab up --cluster kind).\n"
    )


@pytest.mark.parametrize("kind", UNSERVED_KINDS, ids=lambda kind: kind.kind)
async def test_a_list_of_a_kind_that_is_not_served_is_empty_and_says_so(
    server: Server, kind: Kind
) -> None:
    listed = await server.kubectl(f"get {kind.qualified} --all-namespaces")
    assert (listed.code, listed.err) == (0, f"{warning_of(kind)}No resources found\n")


async def test_a_list_of_a_kind_that_is_not_served_is_of_that_kind(server: Server) -> None:
    listed = await server.get("/apis/apps/v1/namespaces/default/statefulsets?limit=500")
    version = listed["metadata"].pop("resourceVersion")
    assert listed == {
        "kind": "StatefulSetList",
        "apiVersion": "apps/v1",
        "metadata": {},
        "items": [],
    }
    assert version == str(server.api.store.version)


async def test_kubectl_says_of_an_unknown_kind_what_it_says_elsewhere(server: Server) -> None:
    unknown = "apiVersion: example.com/v1\nkind: CronTab\nmetadata: {name: one}"
    refused = await server.kubectl("apply -f -", stdin=unknown)
    assert refused.err.splitlines() == [
        'error: resource mapping not found for name: "one" namespace: "" from "STDIN": '
        'no matches for kind "CronTab" in version "example.com/v1"',
        "ensure CRDs are installed first",
    ]


async def test_a_kind_that_is_not_served_cannot_be_watched(server: Server) -> None:
    refused = await server.request("GET", "/apis/apps/v1/statefulsets?watch=true")
    assert refused.code == 404
    assert refused.body["message"].startswith("the playground does not serve StatefulSet (apps/v1)")


async def test_kubectl_explains_why_a_kind_is_not_served(server: Server) -> None:
    for kind in UNSERVED_KINDS:
        explained = await server.kubectl(f"explain {kind.qualified}")
        assert explained.code == 0
        assert kind.refusal in " ".join(explained.out.split())


async def test_a_namespace_is_described_with_kinds_that_are_not_served(server: Server) -> None:
    for named in ("namespace default", "namespaces"):
        described = await server.kubectl(f"describe {named}")
        assert described.code == 0
        assert "No resource quota." in described.out
        assert "No LimitRange resource." in described.out
        assert set(described.err.splitlines(keepends=True)) == warnings("LimitRange ResourceQuota")


async def test_the_cluster_is_dumped_with_kinds_that_are_not_served(server: Server) -> None:
    dumped = await server.kubectl("cluster-info dump")
    assert dumped.code == 0
    assert '"kind": "DaemonSetList"' in dumped.out
    expected = warnings("DaemonSet ReplicationController")
    assert set(dumped.err.splitlines(keepends=True)) == expected


def warnings(kinds: str) -> set[str]:
    return {warning_of(kind) for kind in UNSERVED_KINDS if kind.kind in kinds.split()}


LABELLED = """
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, labels: {{app: colours}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, labels: {{app: colours}}}}
spec: {{ports: [{{port: 80}}]}}
"""


async def test_what_left_the_manifest_is_pruned(server: Server) -> None:
    await server.kubectl("create configmap by-hand")
    await server.kubectl("label configmap by-hand app=colours")
    both = LABELLED.format(name="blue") + "---" + LABELLED.format(name="green")
    await server.kubectl("apply -f -", stdin=both)
    pruned = await server.kubectl(
        "apply --prune -l app=colours -f -", stdin=LABELLED.format(name="blue")
    )
    assert (pruned.code, pruned.out.splitlines()) == (
        0,
        [
            "configmap/blue unchanged",
            "service/blue unchanged",
            "configmap/green pruned",
            "service/green pruned",
        ],
    )
    left = await server.kubectl("get configmap,service -l app=colours -o name")
    assert left.out.split() == ["configmap/blue", "configmap/by-hand", "service/blue"]
