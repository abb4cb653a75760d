"""The verbs of objects over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.kube_objects import Key, Object
from canarylab.playground.apiserver.requests import MAX_WARNINGS
from canarylab.playground.apiserver.validation import VALIDATORS
from canarylab.playground.kube.kinds import KINDS
from tests.playground.apiserver.documents import (
    autoscaler,
    backend,
    disruption_budget,
    gateway,
    http_route,
    ingress,
    job,
    role,
    role_binding,
)
from tests.playground.apiserver.server import Server, config_map, deployment, pod

MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
MERGE = {"Content-Type": "application/merge-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
STEPS = {"Content-Type": "application/json-patch+json"}


META = {"name": "web", "namespace": "default"}
TEMPLATE = {
    "metadata": {"labels": {"app": "nodeapp"}},
    "spec": {"containers": [{"name": "nodeapp", "image": "node_app:1.0"}]},
}
WORKLOAD = {"selector": {"matchLabels": {"app": "nodeapp"}}, "template": TEMPLATE}
PARTS: dict[str, Object] = {
    "ClusterRoleBinding": {"roleRef": role_binding(kind="ClusterRoleBinding")["roleRef"]},
    "ConfigMap": {"data": {"a": "b"}},
    "Deployment": {"spec": WORKLOAD},
    "EndpointSlice": {"addressType": "IPv4", "endpoints": [{"addresses": ["127.64.0.2"]}]},
    "Event": {"involvedObject": {"namespace": "default"}},
    "Gateway": {
        "spec": {
            "gatewayClassName": "canarylab",
            "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}],
        }
    },
    "GatewayClass": {"spec": {"controllerName": "example.com/x"}},
    "HTTPRoute": {"spec": {}},
    "ReferenceGrant": {
        "spec": {
            "from": [
                {
                    "group": "gateway.networking.k8s.io",
                    "kind": "HTTPRoute",
                    "namespace": "guest",
                }
            ],
            "to": [{"group": "", "kind": "Service"}],
        }
    },
    "Ingress": {"spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}},
    "IngressClass": {"spec": {"controller": "example.com/x"}},
    "HorizontalPodAutoscaler": {"spec": autoscaler()["spec"]},
    "Job": {"spec": job()["spec"]},
    "Pod": {"spec": TEMPLATE["spec"]},
    "PodDisruptionBudget": {"spec": disruption_budget()["spec"]},
    "Role": {"rules": role()["rules"]},
    "ReplicaSet": {"spec": WORKLOAD},
    "RoleBinding": {"roleRef": role_binding()["roleRef"]},
    "Secret": {"data": {"token": "YWJjMTIz"}},
    "Service": {"spec": {"ports": [{"port": 80}], "type": "NodePort"}},
}
"""An object of each kind."""


def head_of(kind: str) -> Object:
    return {"apiVersion": KINDS[kind].api_version, "kind": kind}


def path_of(obj: Object) -> str:
    kind = KINDS[obj["kind"]]
    root = f"/apis/{kind.api_version}" if kind.group else "/api/v1"
    space = f"/namespaces/{obj['metadata']['namespace']}" if kind.namespaced else ""
    return f"{root}{space}/{kind.plural}/{obj['metadata']['name']}"


async def test_a_posted_object_is_stored(server: Server) -> None:
    response = await server.request("POST", MAPS, config_map(stable="blue"))
    assert response.code == 201
    assert (await server.get(f"{MAPS}/colours"))["data"] == {"stable": "blue"}


async def test_the_namespace_can_come_from_the_path(server: Server) -> None:
    document = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "colours"}}
    response = await server.request("POST", MAPS, document)
    assert response.body["metadata"]["namespace"] == "default"


async def test_a_yaml_body_is_read(server: Server) -> None:
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: colours}\ndata: {day: 2026-11-22}\n"
    response = await server.request("POST", MAPS, text, **{"Content-Type": "application/yaml"})
    assert response.body["data"] == {"day": "2026-11-22"}


async def test_a_dry_run_stores_nothing(server: Server) -> None:
    response = await server.request("POST", f"{MAPS}?dryRun=All", config_map())
    assert response.code == 201
    assert (await server.request("GET", f"{MAPS}/colours")).code == 404


async def test_unknown_fields_are_dropped_with_a_warning(server: Server) -> None:
    response = await server.request("POST", DEPLOYMENTS, deployment(replica=4))
    assert response.headers["Warning"] == r'299 - "unknown field \"spec.replica\""'
    assert "replica" not in response.body["spec"]


async def test_the_class_annotation_is_deprecated(server: Server) -> None:
    annotated = {**ingress(), "spec": {"defaultBackend": backend()}}
    annotated["metadata"] = {"name": "a", "annotations": {"kubernetes.io/ingress.class": "nginx"}}
    response = await server.request("POST", INGRESSES, annotated)
    assert response.headers["Warning"] == (
        r'299 - "annotation \"kubernetes.io/ingress.class\" is deprecated, '
        "please use 'spec.ingressClassName' instead\""
    )


async def test_strict_validation_refuses_unknown_fields(server: Server) -> None:
    path = f"{DEPLOYMENTS}?fieldValidation=Strict"
    response = await server.request("POST", path, deployment(replica=4))
    assert response.code == 400
    assert response.body["message"] == (
        'Deployment in version "v1" cannot be handled as a Deployment: '
        'strict decoding error: unknown field "spec.replica"'
    )


async def test_a_put_does_not_change_the_status(server: Server) -> None:
    made = (await server.request("POST", DEPLOYMENTS, deployment())).body
    wish = {**made, "spec": {**made["spec"], "replicas": 5}, "status": {"replicas": 99}}
    after = (await server.request("PUT", f"{DEPLOYMENTS}/web", wish)).body
    assert after["spec"]["replicas"] == 5
    assert after["metadata"]["generation"] == 2
    assert after["status"] == {}


async def test_a_put_of_the_status_changes_nothing_else(server: Server) -> None:
    made = (await server.request("POST", DEPLOYMENTS, deployment())).body
    wish = {**made, "spec": {**made["spec"], "replicas": 5}, "status": {"replicas": 3}}
    after = (await server.request("PUT", f"{DEPLOYMENTS}/web/status", wish)).body
    assert (after["spec"]["replicas"], after["status"]) == (1, {"replicas": 3})


async def test_a_zero_is_omitted_in_a_status(server: Server) -> None:
    made = (await server.request("POST", DEPLOYMENTS, deployment())).body
    wish = {**made, "status": {"replicas": 3, "readyReplicas": 0}}
    after = (await server.request("PUT", f"{DEPLOYMENTS}/web/status", wish)).body
    assert after["status"] == {"replicas": 3}


async def test_a_put_of_an_old_version_is_a_conflict(server: Server) -> None:
    old = (await server.request("POST", MAPS, config_map())).body
    await server.request("PUT", f"{MAPS}/colours", {**old, "data": {"stable": "green"}})
    response = await server.request("PUT", f"{MAPS}/colours", {**old, "data": {"stable": "red"}})
    assert (response.code, response.body["reason"]) == (409, "Conflict")


@pytest.mark.parametrize(
    ("headers", "change"),
    [
        (MERGE, {"spec": {"replicas": 7}}),
        (STRATEGIC, {"spec": {"replicas": 7}}),
        (STEPS, [{"op": "replace", "path": "/spec/replicas", "value": 7}]),
    ],
)
async def test_all_three_styles_of_patches_are_applied(
    server: Server, headers: dict[str, str], change: Any
) -> None:
    await server.request("POST", DEPLOYMENTS, deployment())
    response = await server.request("PATCH", f"{DEPLOYMENTS}/web", change, **headers)
    assert (response.code, response.body["spec"]["replicas"]) == (200, 7)


async def test_a_patch_that_changes_nothing_is_not_written(server: Server) -> None:
    made = (await server.request("POST", DEPLOYMENTS, deployment())).body
    same = {"spec": {"replicas": 1}}
    after = (await server.request("PATCH", f"{DEPLOYMENTS}/web", same, **MERGE)).body
    assert after["metadata"] == made["metadata"]


async def test_a_removed_field_gets_its_default(server: Server) -> None:
    await server.request("POST", DEPLOYMENTS, deployment(replicas=3))
    gone = {"spec": {"replicas": None}}
    after = (await server.request("PATCH", f"{DEPLOYMENTS}/web", gone, **MERGE)).body
    assert after["spec"]["replicas"] == 1


async def test_a_patch_of_the_status_leaves_the_spec_alone(server: Server) -> None:
    await server.request("POST", DEPLOYMENTS, deployment())
    change = {"spec": {"replicas": 7}, "status": {"replicas": 3}}
    after = (await server.request("PATCH", f"{DEPLOYMENTS}/web/status", change, **MERGE)).body
    assert (after["spec"]["replicas"], after["status"]) == (1, {"replicas": 3})


async def test_a_patch_with_an_unreadable_result_is_invalid(server: Server) -> None:
    await server.request("POST", DEPLOYMENTS, deployment())
    wrong = {"spec": {"replicas": "x"}}
    response = await server.request("PATCH", f"{DEPLOYMENTS}/web", wrong, **STRATEGIC)
    assert response.code == 422
    assert response.body["details"]["causes"][0]["message"] == (
        'Invalid value: "map[spec:map[replicas:x]]": unrecognized type: int32'
    )


@pytest.mark.parametrize("kind", ["application/apply-patch+cbor", "text/plain"])
async def test_unknown_types_of_patches_are_refused(server: Server, kind: str) -> None:
    await server.request("POST", MAPS, config_map())
    response = await server.request("PATCH", f"{MAPS}/colours", b"{}", **{"Content-Type": kind})
    assert (response.code, response.body["reason"]) == (415, "UnsupportedMediaType")
    assert "application/merge-patch+json" in response.body["message"]


async def test_the_name_must_be_that_of_the_path(server: Server) -> None:
    await server.request("POST", MAPS, config_map())
    response = await server.request("PUT", f"{MAPS}/colours", config_map("other"))
    assert (response.code, response.body["message"]) == (
        400,
        "the name of the object (other) does not match the name on the URL (colours)",
    )


async def test_the_namespace_must_be_that_of_the_path(server: Server) -> None:
    elsewhere = {**config_map(), "metadata": {"name": "colours", "namespace": "kube-system"}}
    response = await server.request("POST", MAPS, elsewhere)
    assert (response.code, response.body["message"]) == (
        400,
        "the namespace of the provided object does not match the namespace sent on the request",
    )


async def test_a_new_object_has_no_resource_version(server: Server) -> None:
    numbered = {**config_map(), "metadata": {"name": "colours", "resourceVersion": "7"}}
    response = await server.request("POST", MAPS, numbered)
    assert (response.code, response.body["message"]) == (
        500,
        "resourceVersion should not be set on objects to be created",
    )


async def test_a_body_that_is_not_json_is_refused(server: Server) -> None:
    response = await server.request("POST", MAPS, b"{", **{"Content-Type": "application/json"})
    assert (response.code, response.body["reason"]) == (400, "BadRequest")


async def test_a_body_that_is_too_large_is_refused(server: Server) -> None:
    large = b'{"data": {"text": "%s"}}' % (b"x" * 4_000_000)
    response = await server.request("POST", MAPS, large, **{"Content-Type": "application/json"})
    assert (response.code, response.body["reason"]) == (413, "RequestEntityTooLarge")


async def test_only_finalize_changes_the_finalizers_of_a_namespace(server: Server) -> None:
    space = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "lab"}}
    made = (await server.request("POST", "/api/v1/namespaces", space)).body
    bare = {**made, "spec": {"finalizers": []}}
    kept = (await server.request("PUT", "/api/v1/namespaces/lab", bare)).body
    assert kept["spec"] == {"finalizers": ["kubernetes"]}
    gone = (await server.request("PUT", "/api/v1/namespaces/lab/finalize", bare)).body
    assert gone["spec"] == {"finalizers": []}


async def test_a_pod_with_a_priority_is_refused(server: Server) -> None:
    given = pod()
    given["spec"]["priority"] = 5
    response = await server.request("POST", "/api/v1/namespaces/default/pods", given)
    assert (response.code, response.body["reason"]) == (403, "Forbidden")
    assert (
        f'pods "{given["metadata"]["name"]}" is forbidden: the integer value of priority'
        in response.body["message"]
    )


GATEWAYS = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways"


async def test_custom_kinds_have_no_strategic_merge_patch(server: Server) -> None:
    await server.request("POST", GATEWAYS, gateway())
    response = await server.request("PATCH", f"{GATEWAYS}/canarylab", {}, **STRATEGIC)
    assert (response.code, response.body["message"]) == (
        415,
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
    )


async def test_the_status_of_a_new_object_is_ignored(server: Server) -> None:
    claimed = {**gateway(), "status": {"conditions": []}}
    made = (await server.request("POST", GATEWAYS, claimed)).body
    assert [one["status"] for one in made["status"]["conditions"]] == ["Unknown", "Unknown"]


async def test_the_status_of_a_custom_kind_is_validated(server: Server) -> None:
    made = (await server.request("POST", GATEWAYS, gateway())).body
    wish = {**made, "status": {"addresses": [{"value": ""}]}}
    response = await server.request("PUT", f"{GATEWAYS}/canarylab/status", wish)
    assert (response.code, response.body["message"]) == (
        422,
        'Gateway.gateway.networking.k8s.io "canarylab" is invalid: status.addresses[0].value: '
        'Invalid value: "": status.addresses[0].value in body should be at least 1 chars long',
    )


async def test_a_status_of_a_custom_kind_changes_nothing_else(server: Server) -> None:
    made = (await server.request("POST", GATEWAYS, gateway())).body
    wish = {**made, "spec": {}, "status": {"addresses": [{"value": "127.0.0.1"}]}}
    after = (await server.request("PUT", f"{GATEWAYS}/canarylab/status", wish)).body
    assert after["spec"] == made["spec"]
    assert after["status"]["addresses"] == [{"type": "IPAddress", "value": "127.0.0.1"}]
    assert after["metadata"]["generation"] == 1


async def test_a_route_is_written_in_one_version_and_read_in_another(server: Server) -> None:
    routes = "/apis/gateway.networking.k8s.io/{}/namespaces/default/httproutes"
    older, newer = routes.format("v1beta1"), routes.format("v1")
    document = {**http_route(), "apiVersion": "gateway.networking.k8s.io/v1beta1"}

    made = await server.request("POST", older, document)
    assert (made.code, made.body["apiVersion"]) == (201, document["apiVersion"])
    read = await server.get(f"{newer}/canarylab")
    assert read == {**made.body, "apiVersion": "gateway.networking.k8s.io/v1"}
    assert (await server.get(f"{older}/canarylab")) == made.body

    change = {"spec": {"hostnames": ["canary.example"]}}
    changed = await server.request("PATCH", f"{older}/canarylab", change, **MERGE)
    assert changed.body["apiVersion"] == document["apiVersion"]
    assert changed.body["metadata"]["generation"] == 2
    assert (await server.get(older))["apiVersion"] == document["apiVersion"]


async def test_a_document_has_the_version_of_its_path(server: Server) -> None:
    path = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes"
    document = {**http_route(), "apiVersion": "gateway.networking.k8s.io/v1beta1"}
    response = await server.request("POST", path, document)
    assert (response.code, response.body["message"]) == (
        400,
        "the API version in the data (gateway.networking.k8s.io/v1beta1) does not match the "
        "expected API version (gateway.networking.k8s.io/v1)",
    )


PODS = "/api/v1/namespaces/default/pods"
AS_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


async def test_items_of_a_list_have_no_kind(server: Server) -> None:
    await server.api.create(pod())
    response = await server.get(PODS)
    assert (response["kind"], response["apiVersion"]) == ("PodList", "v1")
    assert {"kind", "apiVersion"} & response["items"][0].keys() == set()


async def test_a_list_has_a_resource_version(server: Server) -> None:
    await server.api.create(pod())
    response = await server.get(PODS)
    assert response["metadata"] == {"resourceVersion": str(server.api.store.version)}


async def test_an_empty_list_is_a_list(server: Server) -> None:
    assert (await server.get(PODS))["items"] == []


async def test_all_namespaces_are_listed_at_once(server: Server) -> None:
    elsewhere = {**config_map(), "metadata": {"name": "far", "namespace": "kube-public"}}
    for obj in (config_map(), elsewhere):
        await server.api.create(obj)
    items = (await server.get("/api/v1/configmaps"))["items"]
    assert [item["metadata"]["namespace"] for item in items] == ["default", "kube-public"]


async def test_selectors_select(server: Server) -> None:
    await server.api.create(pod("one"))
    await server.api.create(pod("two", nodeName="another"))
    chosen = f"{PODS}?labelSelector=app%3Dnodeapp&fieldSelector=spec.nodeName%3Danother&limit=500"
    items = (await server.get(chosen))["items"]
    assert [item["metadata"]["name"] for item in items] == ["two"]


async def test_kubectl_gets_a_table(server: Server) -> None:
    await server.api.create(deployment())
    path = "/apis/apps/v1/namespaces/default/deployments"
    table = await server.get(path, Accept=AS_TABLE)
    assert table["kind"] == "Table"
    assert [row["cells"][0] for row in table["rows"]] == ["web"]
    assert table["metadata"] == {"resourceVersion": str(server.api.store.version)}


@pytest.mark.parametrize(
    ("asked", "kind"), [("", "PartialObjectMetadata"), ("?includeObject=Object", "Deployment")]
)
async def test_a_row_carries_its_object(server: Server, asked: str, kind: str) -> None:
    await server.api.create(deployment())
    path = f"/apis/apps/v1/namespaces/default/deployments/web{asked}"
    table = await server.get(path, Accept=AS_TABLE)
    assert table["rows"][0]["object"]["kind"] == kind


async def test_reading_endpoints_gives_a_warning(server: Server) -> None:
    response = await server.request("GET", "/api/v1/namespaces/default/endpoints")
    assert response.headers["Warning"] == (
        '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"'
    )


DEPLOYMENT = "/apis/apps/v1/namespaces/default/deployments/web"


async def left(server: Server, kind: str) -> list[str]:
    return [obj["metadata"]["name"] for obj in await server.api.list(kind, "default")]


async def test_a_deletion_returns_a_status_with_the_uid(server: Server) -> None:
    made = await server.api.create(config_map())
    response = await server.request("DELETE", f"{MAPS}/colours")
    assert (response.code, response.body["status"]) == (200, "Success")
    uid = made["metadata"]["uid"]
    assert response.body["details"] == {"name": "colours", "kind": "configmaps", "uid": uid}


async def test_the_deletion_of_a_running_pod_returns_the_pod(server: Server) -> None:
    await server.api.create(pod())
    response = await server.request("DELETE", f"{PODS}/web", {"gracePeriodSeconds": 5})
    assert response.body["kind"] == "Pod"
    assert response.body["metadata"]["deletionGracePeriodSeconds"] == 5


async def test_the_deletion_of_a_pod_without_node_returns_the_pod(server: Server) -> None:
    await server.api.create(pod())
    response = await server.request("DELETE", f"{PODS}/web?gracePeriodSeconds=0")
    assert response.body["kind"] == "Pod"
    assert await left(server, "Pod") == []


async def test_the_propagation_policy_is_in_the_body_or_the_query(server: Server) -> None:
    asked: list[Any] = []
    for query, body in (("?propagationPolicy=Orphan", None), ("", {"propagationPolicy": "Orphan"})):
        await server.api.create(deployment())
        response = await server.request("DELETE", DEPLOYMENT + query, body)
        asked.append(response.body["metadata"]["finalizers"])
        bare = {**response.body, "metadata": {**response.body["metadata"], "finalizers": []}}
        await server.api.update(bare)
    assert asked == [["orphan"], ["orphan"]]


async def test_an_unknown_policy_is_refused(server: Server) -> None:
    await server.api.create(deployment())
    response = await server.request("DELETE", f"{DEPLOYMENT}?propagationPolicy=Sideways")
    assert response.code == 400
    assert await left(server, "Deployment") == ["web"]


async def test_another_uid_is_a_conflict(server: Server) -> None:
    made = await server.api.create(config_map())
    body = {"preconditions": {"uid": "another"}}
    response = await server.request("DELETE", f"{MAPS}/colours", body)
    assert (response.code, response.body["message"]) == (
        409,
        'Operation cannot be fulfilled on configmaps "colours": Precondition failed: '
        f"UID in precondition: another, UID in object meta: {made['metadata']['uid']}",
    )


async def test_another_version_is_a_conflict(server: Server) -> None:
    await server.api.create(config_map())
    body = {"preconditions": {"resourceVersion": "1"}}
    assert (await server.request("DELETE", f"{MAPS}/colours", body)).code == 409


async def test_a_dry_run_deletes_nothing(server: Server) -> None:
    await server.api.create(config_map())
    await server.request("DELETE", f"{MAPS}/colours", {"dryRun": ["All"]})
    assert await left(server, "ConfigMap") == ["colours"]


async def test_a_selected_collection_is_deleted(server: Server) -> None:
    for name in ("one", "two"):
        await server.api.create(config_map(name))
    response = await server.request("DELETE", f"{MAPS}?fieldSelector=metadata.name%3Done")
    assert [item["metadata"]["name"] for item in response.body["items"]] == ["one"]
    assert await left(server, "ConfigMap") == ["two"]


async def test_an_eviction_deletes_the_pod(server: Server) -> None:
    await server.api.create(pod())
    review = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web"}}
    response = await server.request("POST", f"{PODS}/web/eviction", review)
    assert (response.code, response.body["status"]) == (201, "Success")
    leaving = await server.api.get("Pod", Key("default", "web"))
    assert leaving["metadata"]["deletionGracePeriodSeconds"] == 30


@pytest.mark.parametrize("name", ["a\nb", "a\r\nSet-Cookie: b", "\0", "\u2028", "é", "x" * 50_000])
async def test_an_unknown_field_of_any_name_gets_an_answer(server: Server, name: str) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    answer = await server.request("POST", path, {**config_map(), name: 1})
    assert answer.code == 201


async def test_twenty_thousand_unknown_fields_get_an_answer(server: Server) -> None:
    unknown = {f"field{number}": 1 for number in range(15_000)}
    path = "/api/v1/namespaces/default/configmaps"
    answer = await server.request("POST", path, {**config_map(), **unknown})
    assert (answer.code, len(answer.headers.getall("Warning"))) == (201, MAX_WARNINGS)


@pytest.mark.parametrize("body", [[1], "x", {"gracePeriodSeconds": "x"}, {"preconditions": [1]}])
async def test_options_of_a_deletion_of_the_wrong_type_are_refused(
    server: Server, body: object
) -> None:
    await server.api.create(pod())
    answer = await server.request("DELETE", "/api/v1/namespaces/default/pods/web", body)
    assert answer.code == 400
    assert answer.body["message"].startswith(
        'DeleteOptions in version "v1" cannot be handled as a DeleteOptions: json: cannot unmarshal'
    )


async def test_a_grace_period_of_any_length_ends(server: Server) -> None:
    await server.api.create(pod(terminationGracePeriodSeconds=2**63 - 1))
    answer = await server.request("DELETE", "/api/v1/namespaces/default/pods/web")
    assert answer.body["metadata"]["deletionGracePeriodSeconds"] == 2**31 - 1


@pytest.mark.parametrize(
    "query", ["limit=abc", "timeoutSeconds=x", "watch=1&resourceVersion=" + "9" * 5_000]
)
async def test_a_list_with_an_unreadable_number_is_refused(server: Server, query: str) -> None:
    answer = await server.request("GET", f"/api/v1/pods?{query}")
    assert answer.code == 400


async def test_the_proxy_takes_a_port_of_any_digits_for_a_name(server: Server) -> None:
    path = "/api/v1/namespaces/default/services/kubernetes:\u00b2/proxy/"
    assert (await server.request("GET", path)).code == 503


@pytest.mark.parametrize("kind", sorted(set(VALIDATORS) - {"Namespace", "Node"}))
@pytest.mark.parametrize("field", ["spec", "metadata", "status", "data", "subsets", "endpoints"])
async def test_an_object_may_lose_any_of_its_parts(server: Server, kind: str, field: str) -> None:
    """It is changed or refused in words, by a PUT and by a PATCH."""
    made = await server.api.create({"metadata": META, **PARTS.get(kind, {}), **head_of(kind)})
    path = path_of(made)
    less = {name: value for name, value in made.items() if name != field} | head_of(kind)
    assert (await server.request("PUT", path, less)).code < 500
    assert (await server.request("PATCH", path, {field: None}, **MERGE)).code < 500


EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"
CORE_EVENTS = "/api/v1/namespaces/default/events"


def core_event(**fields: Any) -> Object:
    regarding = {"kind": "Pod", "namespace": "default", "name": "web"}
    return {
        "metadata": {"name": "web.17", "namespace": "default"},
        "involvedObject": regarding,
        "message": "Started container nodeapp",
        "reason": "Started",
        "source": {"component": "kubelet"},
        "reportingComponent": "kubelet",
        "count": 2,
        **fields,
    }


async def test_an_event_has_other_names_for_its_fields_in_the_new_group(server: Server) -> None:
    await server.request("POST", CORE_EVENTS, core_event())
    [event] = (await server.get(EVENTS))["items"]
    assert event["regarding"] == {"kind": "Pod", "namespace": "default", "name": "web"}
    assert (event["note"], event["deprecatedCount"]) == ("Started container nodeapp", 2)
    assert event["reportingController"] == "kubelet"
    assert {"involvedObject", "message", "source", "count"} & event.keys() == set()


async def test_an_event_of_the_new_group_is_one_of_the_core(server: Server) -> None:
    event = {
        "metadata": {"name": "web.18"},
        "regarding": {"kind": "Pod", "namespace": "default", "name": "web"},
        "note": "Started",
        "reportingController": "mine",
        "eventTime": "2026-11-22T21:00:00.000000Z",
    }
    created = await server.request("POST", EVENTS, event)
    assert (created.code, created.body["apiVersion"]) == (201, "events.k8s.io/v1")
    stored = await server.get(f"{CORE_EVENTS}/web.18")
    assert (stored["apiVersion"], stored["message"]) == ("v1", "Started")
    assert stored["involvedObject"]["name"] == "web"


async def test_events_of_the_new_group_are_selected_by_its_names(server: Server) -> None:
    await server.request("POST", CORE_EVENTS, core_event())
    found = await server.get(f"{EVENTS}?fieldSelector=regarding.name=web")
    others = await server.get(f"{EVENTS}?fieldSelector=regarding.name=other")
    assert (len(found["items"]), len(others["items"])) == (1, 0)


async def test_the_labels_of_pod_security_have_no_effect(server: Server) -> None:
    modes = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    labels = {"metadata": {"labels": modes}}
    assert (
        await server.request("PATCH", "/api/v1/namespaces/default", labels, **MERGE)
    ).code == 200
    powerful = pod()
    powerful["spec"] |= {"hostNetwork": True}
    powerful["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    response = await server.request("POST", PODS, powerful)
    assert response.code == 201
    assert "Warning" not in response.headers
