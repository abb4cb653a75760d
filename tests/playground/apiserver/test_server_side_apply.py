"""Server-side apply: who owns which field, conflicts, and what is removed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from canarylab.kube_objects import Object, key_of, parse_timestamp
from canarylab.playground.apiserver.field_sets import FieldType, merge
from canarylab.playground.apiserver.last_applied import ANNOTATION
from canarylab.playground.apiserver.requests import APPLY
from canarylab.playground.controllers import autoscaler
from canarylab.playground.kube.kinds import KINDS, RBAC_GROUP
from tests.needs import needs
from tests.playground.apiserver import documents
from tests.playground.apiserver.server import ApiResponse, Server, deployment

MERGE = "application/merge-patch+json"
PATH = "/apis/apps/v1/namespaces/default/deployments/web"

NAMESPACE_FIELDS: Object = {
    "f:metadata": {"f:labels": {".": {}, "f:kubernetes.io/metadata.name": {}}}
}
"""Of a namespace whose manager said no more than its name, as recorded of Kubernetes."""


async def apply(
    server: Server, configuration: Object, manager: str = "mine", path: str = PATH, **query: str
) -> ApiResponse:
    """PATCH as an apply, without names that the path has."""
    whole = {"apiVersion": "apps/v1", "kind": "Deployment", **configuration}
    parameters = "&".join(f"{key}={value}" for key, value in query.items())
    target = f"{path}?fieldManager={manager}&{parameters}"
    return await server.request("PATCH", target, whole, **{"Content-Type": APPLY})


def full(**spec: Any) -> Object:
    """A whole Deployment as a configuration."""
    return {"spec": deployment(**spec)["spec"]}


def managers(obj: Object) -> list[tuple[str, str, str]]:
    return [
        (entry["manager"], entry["operation"], entry.get("subresource", ""))
        for entry in obj["metadata"].get("managedFields", [])
    ]


def fields_of(obj: Object, manager: str) -> Any:
    [entry] = [one for one in obj["metadata"]["managedFields"] if one["manager"] == manager]
    return entry["fieldsV1"]


async def test_what_is_not_there_is_created(server: Server) -> None:
    created = await apply(server, full(replicas=2))
    again = await apply(server, full(replicas=2))
    assert (created.code, again.code) == (201, 200)
    assert managers(created.body) == [("mine", "Apply", "")]
    assert created.body["metadata"] == again.body["metadata"]


async def test_only_what_is_applied_is_owned(server: Server) -> None:
    created = await apply(server, full(replicas=2))
    assert fields_of(created.body, "mine") == {
        "f:spec": {
            "f:replicas": {},
            "f:selector": {},
            "f:template": {
                "f:metadata": {"f:labels": {"f:app": {}}},
                "f:spec": {
                    "f:containers": {'k:{"name":"nodeapp"}': {".": {}, "f:image": {}, "f:name": {}}}
                },
            },
        }
    }


async def test_a_field_of_another_manager_with_another_value_is_a_conflict(server: Server) -> None:
    await apply(server, full(replicas=2))
    refused = await apply(server, {"spec": {"replicas": 5}}, "other")
    assert (refused.code, refused.body["reason"]) == (409, "Conflict")
    message = 'Apply failed with 1 conflict: conflict with "mine": .spec.replicas'
    assert refused.body["message"] == message
    cause = {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "mine"',
        "field": ".spec.replicas",
    }
    assert refused.body["details"] == {"causes": [cause]}


async def test_several_conflicts_are_listed_by_manager(server: Server) -> None:
    await apply(server, full(replicas=2, paused=True))
    refused = await apply(server, {"spec": {"replicas": 5, "paused": False}}, "other")
    assert refused.body["message"] == (
        'Apply failed with 2 conflicts: conflicts with "mine":\n- .spec.paused\n- .spec.replicas'
    )


async def test_the_same_value_is_owned_by_both(server: Server) -> None:
    await apply(server, full(replicas=2))
    shared = await apply(server, {"spec": {"replicas": 2}}, "other")
    assert fields_of(shared.body, "other") == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" in fields_of(shared.body, "mine")["f:spec"]


async def test_force_takes_the_field(server: Server) -> None:
    await apply(server, full(replicas=2))
    forced = await apply(server, {"spec": {"replicas": 5}}, "other", force="true")
    assert forced.body["spec"]["replicas"] == 5
    assert "f:replicas" not in fields_of(forced.body, "mine")["f:spec"]


async def test_what_nobody_applies_any_more_is_removed(server: Server) -> None:
    labels = {"metadata": {"labels": {"tier": "web", "owner": "me"}}}
    await apply(server, {**full(), **labels})
    fewer = await apply(server, {**full(), "metadata": {"labels": {"owner": "me"}}})
    assert fewer.body["metadata"]["labels"] == {"owner": "me"}


@pytest.mark.parametrize("part", ["labels", "annotations"])
async def test_the_last_field_of_the_metadata_can_be_removed(server: Server, part: str) -> None:
    created = await apply(server, {"metadata": {part: {"team": "a"}}, **full()})
    after = await apply(server, full())
    assert after.code == 200
    assert part not in after.body["metadata"]
    assert after.body["metadata"]["uid"] == created.body["metadata"]["uid"]


async def test_what_another_manager_applies_stays(server: Server) -> None:
    await apply(server, {**full(), "metadata": {"labels": {"tier": "web"}}})
    await apply(server, {"metadata": {"labels": {"tier": "web"}}}, "other")
    left = await apply(server, full())
    assert left.body["metadata"]["labels"] == {"tier": "web"}


async def test_a_removed_field_gets_its_default_again(server: Server) -> None:
    await apply(server, full(replicas=4))
    left = await apply(server, full())
    assert left.body["spec"]["replicas"] == 1


def with_ports(*ports: Object) -> Object:
    configuration = full()
    configuration["spec"]["template"]["spec"]["containers"][0]["ports"] = list(ports)
    return configuration


async def test_items_of_a_list_have_all_its_keys(server: Server) -> None:
    await apply(server, with_ports({"containerPort": 53}))
    other = {"containerPort": 53, "protocol": "UDP"}
    template = {"spec": {"containers": [{"name": "nodeapp", "ports": [other]}]}}
    both = await apply(server, {"spec": {"template": template}}, "other")
    [container] = both.body["spec"]["template"]["spec"]["containers"]
    assert [port["protocol"] for port in container["ports"]] == ["TCP", "UDP"]


async def test_an_item_that_is_no_longer_applied_goes(server: Server) -> None:
    await apply(server, with_ports({"containerPort": 80}, {"containerPort": 81}))
    fewer = await apply(server, with_ports({"containerPort": 81}))
    [container] = fewer.body["spec"]["template"]["spec"]["containers"]
    assert [port["containerPort"] for port in container["ports"]] == [81]


async def test_an_update_takes_the_fields_that_it_changes(server: Server) -> None:
    await apply(server, full(replicas=2))
    merge = {"Content-Type": "application/merge-patch+json"}
    change = {"spec": {"replicas": 3}}
    updated = await server.request("PATCH", f"{PATH}?fieldManager=edit", change, **merge)
    assert fields_of(updated.body, "edit") == {"f:spec": {"f:replicas": {}}}
    refused = await apply(server, full(replicas=2))
    assert refused.body["message"] == (
        'Apply failed with 1 conflict: conflict with "edit" using apps/v1: .spec.replicas'
    )


async def test_a_scale_and_a_status_are_written_through_subresources(server: Server) -> None:
    await apply(server, full(replicas=2))
    merge = {"Content-Type": "application/merge-patch+json"}
    scaled = {"spec": {"replicas": 3}}
    await server.request("PATCH", f"{PATH}/scale?fieldManager=kubectl", scaled, **merge)
    status = {"status": {"replicas": 3}}
    await server.request("PATCH", f"{PATH}/status?fieldManager=robot", status, **merge)
    assert managers(await server.get(PATH)) == [
        ("mine", "Apply", ""),
        ("kubectl", "Update", "scale"),
        ("robot", "Update", "status"),
    ]
    refused = await apply(server, full(replicas=2))
    assert '"kubectl" with subresource "scale" using apps/v1' in refused.body["message"]


async def test_the_autoscaler_writes_replicas_through_the_subresource(server: Server) -> None:
    await apply(server, full(replicas=9))
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    scaler = documents.autoscaler(scaleTargetRef=target)
    scaler["metadata"]["namespace"] = "default"
    made = await server.api.create(scaler)
    later = parse_timestamp(made["metadata"]["creationTimestamp"]) + timedelta(minutes=1)
    api = server.api.for_manager("kube-controller-manager")
    await autoscaler.reconcile(api, key_of(made), now=lambda: later)
    refused = await apply(server, full(replicas=9))
    assert refused.body["message"] == (
        'Apply failed with 1 conflict: conflict with "kube-controller-manager" with subresource '
        '"scale" using apps/v1: .spec.replicas'
    )


async def test_a_status_is_applied_through_its_subresource_alone(server: Server) -> None:
    await apply(server, full(replicas=2))
    status = {"spec": {"replicas": 9}, "status": {"replicas": 2}}
    applied = await apply(server, status, path=f"{PATH}/status")
    assert (applied.body["spec"]["replicas"], applied.body["status"]["replicas"]) == (2, 2)


async def created_fields(server: Server, path: str, document: Object) -> Any:
    """The fields of a new object that its creator owns."""
    created = await server.request("POST", f"{path}?fieldManager=mine", document)
    assert created.code == 201
    return fields_of(created.body, "mine")


async def test_the_finalizer_of_a_namespace_has_no_manager(server: Server) -> None:
    given = documents.named("Namespace", spec={"finalizers": ["example.com/mine"]})
    fields = await created_fields(server, "/api/v1/namespaces", given)
    assert fields == NAMESPACE_FIELDS


async def test_the_labels_by_which_a_job_finds_its_pods_have_no_manager(server: Server) -> None:
    path = "/apis/batch/v1/namespaces/default/jobs"
    fields = await created_fields(server, path, documents.job())
    assert set(fields) == {"f:spec"}
    assert set(fields["f:spec"]) == {
        "f:backoffLimit", "f:completionMode", "f:completions", "f:manualSelector",
        "f:parallelism", "f:podReplacementPolicy", "f:suspend", "f:template",
    }  # fmt: skip
    assert set(fields["f:spec"]["f:template"]) == {"f:spec"}


async def test_a_job_has_the_labels_of_its_pods_by_default(server: Server) -> None:
    template = {**documents.job()["spec"]["template"], "metadata": {"labels": {"app": "a"}}}
    path = "/apis/batch/v1/namespaces/default/jobs"
    fields = await created_fields(server, path, documents.job(template=template))
    assert fields["f:metadata"] == {"f:labels": {".": {}, "f:app": {}}}
    job = await server.get(f"{path}/some")
    assert job["metadata"]["labels"] == job["spec"]["template"]["metadata"]["labels"]
    assert job["metadata"]["labels"]["job-name"] == "some"


async def test_what_admission_adds_to_a_pod_has_no_manager(server: Server) -> None:
    mounts = [{"name": "v", "mountPath": "/a"}]
    pod = documents.pod(
        volumes=[{"name": "v", "emptyDir": {}}],
        containers=[documents.container(volumeMounts=mounts)],
    )
    fields = await created_fields(server, "/api/v1/namespaces/default/pods", pod)
    [container] = fields["f:spec"]["f:containers"].values()
    assert set(container["f:volumeMounts"]) == {".", 'k:{"mountPath":"/a"}'}
    assert set(fields["f:spec"]["f:volumes"]) == {".", 'k:{"name":"v"}'}
    assert not {"f:priority", "f:serviceAccount", "f:tolerations"} & set(fields["f:spec"])


async def test_what_an_update_is_allocated_has_no_manager(server: Server) -> None:
    path = "/api/v1/namespaces/default/services"
    await created_fields(server, path, documents.service())
    change = {"spec": {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}}
    target = f"{path}/nodeapp-svc?fieldManager=edit"
    changed = await server.request("PATCH", target, change, **{"Content-Type": MERGE})
    assert {"healthCheckNodePort", "clusterIP"} <= changed.body["spec"].keys()
    assert fields_of(changed.body, "edit") == {
        "f:spec": {
            "f:allocateLoadBalancerNodePorts": {},
            "f:externalTrafficPolicy": {},
            "f:type": {},
        }
    }


async def test_a_default_class_has_no_manager(server: Server) -> None:
    path = "/apis/networking.k8s.io/v1"
    default = {"ingressclass.kubernetes.io/is-default-class": "true"}
    by_default = {"metadata": {"annotations": default}}
    await server.request(
        "PATCH", f"{path}/ingressclasses/nginx", by_default, **{"Content-Type": MERGE}
    )
    ingress = documents.ingress()
    del ingress["spec"]["ingressClassName"]
    fields = await created_fields(server, f"{path}/namespaces/default/ingresses", ingress)
    assert fields == {"f:spec": {"f:rules": {}}}


async def test_a_namespace_keeps_its_finalizers_whatever_is_applied(server: Server) -> None:
    path = "/api/v1/namespaces/lab"
    namespace = {"apiVersion": "v1", "kind": "Namespace"}
    given = {**namespace, "spec": {"finalizers": ["example.com/mine"]}}
    created = await apply(server, given, path=path)
    changed = await apply(server, namespace, path=path)
    assert (created.code, changed.code) == (201, 200)
    kept = {"finalizers": ["example.com/mine", "kubernetes"]}
    assert created.body["spec"] == changed.body["spec"] == kept
    assert managers(created.body) == []
    assert fields_of(changed.body, "before-first-apply") == NAMESPACE_FIELDS


async def test_a_dry_run_owns_nothing(server: Server) -> None:
    await apply(server, full(replicas=2))
    tried = await apply(server, {"spec": {"replicas": 2}}, "other", dryRun="All")
    assert ("other", "Apply", "") in managers(tried.body)
    assert managers(await server.get(PATH)) == [("mine", "Apply", "")]


async def test_an_unknown_field_is_named(server: Server) -> None:
    refused = await apply(server, {"metadata": {"name": "web"}, "spec": {"replica": 2}})
    assert (refused.code, refused.body["message"]) == (
        500,
        "failed to create typed patch object (web; apps/v1, Kind=Deployment): "
        ".spec.replica: field not declared in schema",
    )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "",
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: '
            "is required for apply patch",
        ),
        (
            f"fieldManager={'x' * 129}",
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Too long: '
            "may not be more than 128 bytes",
        ),
    ],
)
async def test_an_apply_needs_a_manager(server: Server, query: str, message: str) -> None:
    body = {"apiVersion": "apps/v1", "kind": "Deployment", **full()}
    refused = await server.request("PATCH", f"{PATH}?{query}", body, **{"Content-Type": APPLY})
    assert (refused.code, refused.body["message"]) == (422, message)


async def test_other_patches_cannot_be_forced(server: Server) -> None:
    await apply(server, full())
    merge = {"Content-Type": "application/merge-patch+json"}
    refused = await server.request("PATCH", f"{PATH}?force=true", {}, **merge)
    assert refused.code == 422
    assert "force: Forbidden: may not be specified for non-apply patch" in refused.body["message"]


async def test_a_client_that_omits_managed_fields_keeps_them(server: Server) -> None:
    created = (await apply(server, full(replicas=2))).body
    meta = {key: value for key, value in created["metadata"].items() if key != "managedFields"}
    replaced = await server.request("PUT", PATH, {**created, "metadata": meta})
    assert managers(replaced.body) == [("mine", "Apply", "")]


async def test_a_client_may_end_the_record(server: Server) -> None:
    created = (await apply(server, full(replicas=2))).body
    emptied = {**created, "metadata": {**created["metadata"], "managedFields": [{}]}}
    replaced = await server.request("PUT", PATH, emptied)
    assert managers(replaced.body) == []


@pytest.mark.parametrize("missing", ["manager", "apiVersion", "time"])
async def test_a_conflict_names_a_manager_whose_record_is_not_complete(
    server: Server, missing: str
) -> None:
    live = (await apply(server, full(replicas=2))).body
    fields: Object = {"f:spec": {"f:replicas": {}}}
    entry: Object = {"manager": "other", "operation": "Update", "apiVersion": "apps/v1"}
    entry |= {"time": None, "fieldsType": "FieldsV1", "fieldsV1": fields}
    del entry[missing]
    live["metadata"]["managedFields"] = [entry]
    assert (await server.request("PUT", PATH, live)).code == 200
    refused = await apply(server, {"spec": {"replicas": 5}})
    assert refused.code == 409


async def test_many_writers_become_one_ancient_one(server: Server) -> None:
    await apply(server, full())
    merge = {"Content-Type": "application/merge-patch+json"}
    for number in range(14):
        change = {"metadata": {"labels": {f"label-{number}": "x"}}}
        await server.request("PATCH", f"{PATH}?fieldManager=m{number}", change, **merge)
    found = managers(await server.get(PATH))
    assert len(found) == 11
    assert ("ancient-changes", "Update", "") in found


@pytest.mark.parametrize(
    ("live", "applied", "merged"),
    [
        ("ab", "c", "abc"),
        ("ab", "ca", "cab"),
        ("abc", "cx", "abcx"),
        ("abc", "cb", "acb"),
        ("zy", "ab", "zyab"),
    ],
)
def test_items_keep_the_order_of_both_lists(live: str, applied: str, merged: str) -> None:
    environment = FieldType("list", item=FieldType("map"), keys=("name",))
    before, wanted = ([{"name": name} for name in names] for names in (live, applied))
    found = merge(environment, before, wanted)
    assert "".join(each["name"] for each in found) == merged


async def test_a_record_of_too_many_managers_is_left_out(server: Server) -> None:
    created = (await apply(server, full(replicas=2))).body
    entries = created["metadata"]["managedFields"] * 101
    flooded = {**created, "metadata": {**created["metadata"], "managedFields": entries}}
    replaced = await server.request("PUT", PATH, flooded)
    assert managers(replaced.body) == [("mine", "Apply", "")]


async def test_a_list_with_two_items_of_one_key_is_refused(server: Server) -> None:
    configuration = full()
    [container] = configuration["spec"]["template"]["spec"]["containers"]
    container["env"] = [{"name": "A", "value": value} for value in "12"]
    meta = {"name": "web", "namespace": "default"}
    refused = await apply(server, {**configuration, "metadata": meta})
    where = '.spec.template.spec.containers[name="nodeapp"].env'
    assert (refused.code, refused.body["message"]) == (
        500,
        "failed to create typed patch object (default/web; apps/v1, Kind=Deployment): "
        f'{where}: duplicate entries for key [name="A"]',
    )


MANIFEST = """
apiVersion: v1
kind: ConfigMap
metadata: {name: colours}
data: {first: %s}
"""


COLOURS = "/api/v1/namespaces/default/configmaps/colours"


def last_applied(obj: Object) -> Any:
    return json.loads(obj["metadata"]["annotations"][ANNOTATION])


@needs("kubectl")
async def test_kubectl_goes_over_from_its_own_apply(server: Server) -> None:
    server.write("colours.yaml", MANIFEST % "blue")
    await server.kubectl("apply -f colours.yaml")
    server.write("colours.yaml", MANIFEST % "green")
    applied = await server.kubectl("apply --server-side -f colours.yaml")
    assert (applied.out, applied.err) == ("configmap/colours serverside-applied\n", "")
    stored = await server.get(COLOURS)
    assert [name for name, *_ in managers(stored)] == ["kubectl", "kubectl-last-applied"]
    assert last_applied(stored)["data"] == stored["data"] == {"first": "green"}
    server.write("colours.yaml", MANIFEST.replace("data: {first: %s}", ""))
    await server.kubectl("apply --server-side -f colours.yaml")
    stored = await server.get(COLOURS)
    assert "data" not in stored
    assert "data" not in last_applied(stored)


APPLIED = [
    deployment(),
    {**deployment(), "kind": "ReplicaSet"},
    documents.pod(volumes=[{"name": "v", "emptyDir": {}}]),
    documents.service(type="NodePort"),
    documents.job(),
    documents.autoscaler(),
    documents.disruption_budget(),
    documents.role(),
    documents.role_binding(apiGroup=RBAC_GROUP),
    documents.named("Namespace"),
    documents.named("ServiceAccount"),
    documents.named("Secret", stringData={"a": "b"}),
    documents.named("Endpoints", subsets=[{"addresses": [{"ip": "1.1.1.1"}]}]),
    documents.named("EndpointSlice", addressType="IPv4", endpoints=[{"addresses": ["1.1.1.1"]}]),
    documents.ingress(),
    documents.named("IngressClass", spec={"controller": "a.b/c"}),
    documents.gateway_class(),
    documents.gateway(),
]


@needs("kubectl")
@pytest.mark.parametrize("document", APPLIED, ids=lambda document: document["kind"])
async def test_kubectl_goes_over_with_any_kind(server: Server, document: Object) -> None:
    server.write("some.yaml", json.dumps(document))
    await server.kubectl("apply -f some.yaml")
    kind = KINDS[document["kind"]]
    name = f"{kind.singular}{f'.{kind.group}' * bool(kind.group)}/{document['metadata']['name']}"
    for _ in range(2):
        applied = await server.kubectl("apply --server-side -f some.yaml")
        assert (applied.code, applied.out) == (0, f"{name} serverside-applied\n")


AUTOSCALER = """
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 5
  targetCPUUtilizationPercentage: %s
"""


@needs("kubectl")
async def test_kubectl_goes_over_in_another_version(server: Server) -> None:
    await server.kubectl("apply -f -", stdin=AUTOSCALER % 80)
    applied = await server.kubectl("apply --server-side -f -", stdin=AUTOSCALER % 90)
    assert (applied.code, applied.err) == (0, "")
    path = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/web"
    stored = await server.get(path)
    for obj in (last_applied(stored), stored):
        assert obj["spec"]["targetCPUUtilizationPercentage"] == 90


@needs("kubectl")
async def test_what_others_changed_since_the_last_apply_is_a_conflict(server: Server) -> None:
    server.write("colours.yaml", MANIFEST % "blue, second: pink")
    await server.kubectl("apply -f colours.yaml")
    change = {"data": {"first": "red"}}
    target = f"{COLOURS}?fieldManager=kubectl-client-side-apply"
    await server.request("PATCH", target, change, **{"Content-Type": MERGE})
    server.write("colours.yaml", MANIFEST % "green, second: black")
    refused = await server.kubectl("apply --server-side -f colours.yaml")
    assert refused.err.startswith(
        'error: Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: '
        ".data.first\n"
    )


@needs("kubectl")
async def test_another_manager_does_not_go_over_from_kubectl_apply(server: Server) -> None:
    await server.kubectl("apply -f -", stdin=MANIFEST % "blue")
    change = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"first": "green"}}
    refused = await apply(server, change, "mine", COLOURS)
    assert 'conflict with "kubectl-client-side-apply" using v1' in refused.body["message"]
    applied = await apply(server, change, "mine", COLOURS, force="true")
    assert last_applied(applied.body)["data"] == {"first": "blue"}


@pytest.mark.parametrize(
    "annotation",
    [
        "",
        "{",
        "[]",
        '{"apiVersion":["v1"]}',
        '{"apiVersion":"v2"}',
        '{"apiVersion":"v1","kind":"ConfigMap","nothing":1}',
    ],
)
async def test_an_annotation_that_cannot_be_read_allows_nothing(
    server: Server, annotation: str
) -> None:
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"first": "blue"}}
    created = {
        **config_map,
        "metadata": {"name": "colours", "annotations": {ANNOTATION: annotation}},
    }
    await server.request("POST", "/api/v1/namespaces/default/configmaps", created)
    refused = await apply(server, {**config_map, "data": {"first": "red"}}, "kubectl", COLOURS)
    assert refused.code == 409


@needs("kubectl")
async def test_kubectl_shows_the_managers_when_told_to(server: Server) -> None:
    server.write("colours.yaml", MANIFEST % "blue")
    await server.kubectl("apply --server-side -f colours.yaml")
    hidden = await server.kubectl("get configmap colours -o yaml")
    shown = await server.kubectl("get configmap colours -o yaml --show-managed-fields")
    assert "managedFields" not in hidden.out
    assert "operation: Apply" in shown.out
