"""Tables as a whole, and the cells of each kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.apiserver.ages import age, human_duration
from canarylab.playground.apiserver.table_columns import COLUMNS, status_column
from canarylab.playground.apiserver.tables import build_table, column_definitions, row_cells
from canarylab.playground.kube.kinds import KINDS
from tests.playground.apiserver.documents import (
    autoscaler,
    complete,
    container,
    deployment,
    disruption_budget,
    gateway,
    gateway_class,
    http_route,
    ingress,
    job,
    pod,
    role,
    role_binding,
    service,
    template,
)

NOW = datetime(2026, 11, 22, 21, 45, 23, tzinfo=UTC)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_columns(kind: str) -> None:
    assert build_table(kind, [], NOW)["columnDefinitions"]


@pytest.mark.parametrize("kind", COLUMNS)
def test_one_column_has_the_format_name(kind: str) -> None:
    marked = [entry["name"] for entry in column_definitions(kind) if entry["format"] == "name"]
    assert marked == ["Name"]


@pytest.mark.parametrize(
    ("kind", "narrow", "wide"),
    [
        ("ConfigMap", "Name Data Age", ""),
        ("Deployment", "Name Ready Up-to-date Available Age", "Containers Images Selector"),
        ("Endpoints", "Name Endpoints Age", ""),
        ("EndpointSlice", "Name AddressType Ports Endpoints Age", ""),
        ("Gateway", "Name Class Address Programmed Age", ""),
        ("GatewayClass", "Name Controller Accepted Age", "Description"),
        ("HTTPRoute", "Name Hostnames Age", ""),
        ("ReferenceGrant", "Name Age", ""),
        ("Ingress", "Name Class Hosts Address Ports Age", ""),
        ("IngressClass", "Name Controller Parameters Age", ""),
        ("Namespace", "Name Status Age", ""),
        ("HorizontalPodAutoscaler", "Name Reference Targets MinPods MaxPods Replicas Age", ""),
        ("Job", "Name Status Completions Duration Age", "Containers Images Selector"),
        ("PodDisruptionBudget", "Name Min Available Max Unavailable Allowed Disruptions Age", ""),
        ("Role", "Name Created At", ""),
        ("RoleBinding", "Name Role Age", "Users Groups ServiceAccounts"),
        ("ServiceAccount", "Name Age", ""),
        ("ReplicaSet", "Name Desired Current Ready Age", "Containers Images Selector"),
        ("Secret", "Name Type Data Age", ""),
        ("Service", "Name Type Cluster-IP External-IP Port(s) Age", "Selector"),
    ],
)
def test_columns_of_priority_1_are_for_wide_tables(kind: str, narrow: str, wide: str) -> None:
    shown = {
        priority: " ".join(
            entry["name"] for entry in column_definitions(kind) if entry["priority"] == priority
        )
        for priority in (0, 1)
    }
    assert shown == {0: narrow, 1: wide}


def test_a_table_has_kind_and_version() -> None:
    table = build_table("Pod", [pod()], NOW)
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")


def test_a_row_carries_the_metadata_of_its_object() -> None:
    assert build_table("Pod", [pod()], NOW)["rows"][0]["object"] == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"name": "lonely"},
    }


def test_a_row_can_carry_the_whole_object() -> None:
    assert build_table("Pod", [pod()], NOW, full_objects=True)["rows"][0]["object"] == pod()


def test_rows_come_in_the_order_of_the_objects() -> None:
    objects = [{**pod(), "metadata": {"name": name}} for name in ("b", "a")]
    assert [row["cells"][0] for row in build_table("Pod", objects, NOW)["rows"]] == ["b", "a"]


@pytest.mark.parametrize(
    ("phase", "reasons"), [("Running", []), ("Succeeded", ["Succeeded"]), ("Failed", ["Failed"])]
)
def test_the_row_of_a_completed_pod_has_a_condition(phase: str, reasons: list[str]) -> None:
    row = build_table("Pod", [{**pod(), "status": {"phase": phase}}], NOW)["rows"][0]
    assert [entry["reason"] for entry in row.get("conditions", [])] == reasons


BORN = "2026-11-22T21:45:20Z"
META = {"name": "nodeapp", "namespace": "default", "creationTimestamp": BORN}


def cells(obj: Object) -> dict[str, Any]:
    """By the name of their column."""
    obj = {**obj, "metadata": {**META, **obj.get("metadata", {})}}
    [row] = build_table(obj["kind"], [obj], NOW)["rows"]
    names = [column["name"] for column in column_definitions(obj["kind"])]
    return dict(zip(names, row["cells"], strict=True))


def test_a_deployment() -> None:
    status = {"readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 2}
    assert cells({**complete(deployment(replicas=3)), "status": status}) == {
        "Name": "nodeapp-production",
        "Ready": "2/3",
        "Up-to-date": 3,
        "Available": 2,
        "Age": "3s",
        "Containers": "nodeapp",
        "Images": "node_app:1.0",
        "Selector": "app=nodeapp,env=prod",
    }


def test_a_deployment_without_a_status() -> None:
    shown = cells(complete(deployment(replicas=3)))
    assert (shown["Ready"], shown["Up-to-date"], shown["Available"]) == ("0/3", 0, 0)


def test_several_containers() -> None:
    both = template(containers=[container(), container(name="side", image="side:2")])
    shown = cells(complete(deployment(template=both)))
    assert (shown["Containers"], shown["Images"]) == ("nodeapp,side", "node_app:1.0,side:2")


def test_a_replica_set() -> None:
    shown = cells(
        {
            "kind": "ReplicaSet",
            "spec": {
                "replicas": 3,
                "template": template(),
                "selector": {"matchLabels": {"app": "nodeapp", "pod-template-hash": "b754bfd67"}},
            },
            "status": {"replicas": 2, "readyReplicas": 1},
        }
    )
    assert [shown[name] for name in ("Desired", "Current", "Ready")] == [3, 2, 1]
    assert shown["Selector"] == "app=nodeapp,pod-template-hash=b754bfd67"


def test_a_service() -> None:
    ports: list[Object] = [{"port": 80, "nodePort": 32089}, {"port": 53, "protocol": "UDP"}]
    made = complete(service(type="NodePort", ports=[{**port, "name": "a"} for port in ports]))
    made["spec"]["clusterIP"] = "10.96.165.192"
    shown = cells(made)
    assert shown == {
        "Name": "nodeapp-svc",
        "Type": "NodePort",
        "Cluster-IP": "10.96.165.192",
        "External-IP": "<none>",
        "Port(s)": "80:32089/TCP,53/UDP",
        "Age": "3s",
        "Selector": "app=nodeapp",
    }


@pytest.mark.parametrize(
    ("spec", "column", "shown"),
    [
        ({"clusterIP": "None"}, "Cluster-IP", "None"),
        ({}, "Cluster-IP", "<none>"),
        ({"selector": {}}, "Selector", "<none>"),
        ({"ports": []}, "Port(s)", "<none>"),
        ({"externalIPs": ["192.0.2.1", "192.0.2.2"]}, "External-IP", "192.0.2.1,192.0.2.2"),
        ({"type": "LoadBalancer"}, "External-IP", "<pending>"),
        ({"type": "ExternalName", "externalName": "a.example"}, "External-IP", "a.example"),
    ],
)
def test_the_addresses_and_ports_of_services(spec: Object, column: str, shown: str) -> None:
    assert cells(service(**spec))[column] == shown


def addresses(*ends: int) -> list[Object]:
    return [{"ip": f"10.244.0.{end}"} for end in ends]


PORT = [{"port": 3333}]


@pytest.mark.parametrize(
    ("subsets", "shown"),
    [
        ([], "<none>"),
        ([{"notReadyAddresses": addresses(1), "ports": PORT}], ""),
        ([{"addresses": addresses(1, 2), "ports": PORT}], "10.244.0.1:3333,10.244.0.2:3333"),
        ([{"addresses": addresses(1)}], "10.244.0.1"),
        (
            [{"addresses": addresses(1, 2, 3, 4, 5), "ports": PORT}],
            "10.244.0.1:3333,10.244.0.2:3333,10.244.0.3:3333 + 2 more...",
        ),
        (
            [
                {"addresses": addresses(1), "ports": PORT},
                {"addresses": addresses(2), "ports": PORT},
            ],
            "10.244.0.1:3333,10.244.0.2:3333",
        ),
    ],
)
def test_endpoints(subsets: list[Object], shown: str) -> None:
    assert cells({"kind": "Endpoints", "subsets": subsets})["Endpoints"] == shown


@pytest.mark.parametrize(
    ("ends", "ports", "shown"),
    [
        ([], [], ("<unset>", "<unset>")),
        ([1], [{"port": 3333}], ("3333", "10.244.0.1")),
        ([1], [{"name": "any"}], ("*", "10.244.0.1")),
        (
            [1, 2, 3, 4],
            [{"port": number} for number in (1, 2, 3, 4, 5)],
            ("1,2,3 + 2 more...", "10.244.0.1,10.244.0.2,10.244.0.3 + 1 more..."),
        ),
    ],
)
def test_an_endpoint_slice(ends: list[int], ports: list[Object], shown: tuple[str, str]) -> None:
    endpoints = [{"addresses": [f"10.244.0.{end}"]} for end in ends]
    piece = {"kind": "EndpointSlice", "addressType": "IPv4", "endpoints": endpoints, "ports": ports}
    row = cells(piece)
    assert (row["Ports"], row["Endpoints"]) == shown


def test_a_config_map_counts_its_entries() -> None:
    made = {"kind": "ConfigMap", "data": {"a": "", "b": ""}, "binaryData": {"c": ""}}
    assert cells(made)["Data"] == 3


def test_a_secret_shows_its_type_and_counts_its_entries() -> None:
    made = {"kind": "Secret", "type": "kubernetes.io/tls", "data": {"tls.crt": "", "tls.key": ""}}
    assert (cells(made)["Type"], cells(made)["Data"]) == ("kubernetes.io/tls", 2)


def test_a_namespace() -> None:
    assert (
        cells({"kind": "Namespace", "status": {"phase": "Terminating"}})["Status"] == "Terminating"
    )


NODE: Object = {
    "kind": "Node",
    "metadata": {"labels": {"node-role.kubernetes.io/worker": ""}},
    "status": {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "conditions": [{"type": "Ready", "status": "True"}],
        "nodeInfo": {
            "kubeletVersion": "v1.36.2",
            "osImage": "Debian GNU/Linux 12 (bookworm)",
            "kernelVersion": "6.18",
            "architecture": "amd64",
            "containerRuntimeVersion": "process://0.1.0",
        },
    },
}


def test_a_node() -> None:
    assert cells(NODE) == {
        "Name": "nodeapp",
        "Status": "Ready",
        "Roles": "worker",
        "Age": "3s",
        "Version": "v1.36.2",
        "Internal-IP": "127.0.0.1",
        "External-IP": "<none>",
        "OS-Image": "Debian GNU/Linux 12 (bookworm)",
        "Kernel-Version": "6.18 (amd64)",
        "Container-Runtime": "process://0.1.0",
    }


@pytest.mark.parametrize(
    ("node", "status"),
    [
        ({}, "Unknown"),
        ({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}, "NotReady"),
        ({**NODE, "spec": {"unschedulable": True}}, "Ready,SchedulingDisabled"),
    ],
)
def test_the_status_of_a_node(node: Object, status: str) -> None:
    assert cells({**node, "kind": "Node"})["Status"] == status


EVENT: Object = {
    "kind": "Event",
    "type": "Normal",
    "reason": "Pulled",
    "involvedObject": {"kind": "Pod", "name": "a", "fieldPath": "spec.containers{nodeapp}"},
    "message": " already present \n",
    "source": {"component": "kubelet", "host": "playground"},
    "firstTimestamp": "2026-11-22T21:40:23Z",
    "lastTimestamp": "2026-11-22T21:45:13Z",
    "count": 4,
}


def test_an_event() -> None:
    assert cells(EVENT) == {
        "Last Seen": "10s",
        "Type": "Normal",
        "Reason": "Pulled",
        "Object": "pod/a",
        "Subobject": "spec.containers{nodeapp}",
        "Source": "kubelet, playground",
        "Message": "already present",
        "First Seen": "5m",
        "Count": 4,
        "Name": "nodeapp",
    }


@pytest.mark.parametrize(
    ("change", "column", "shown"),
    [
        ({"count": 0}, "Count", 1),
        ({"lastTimestamp": None}, "Last Seen", "5m"),
        ({"firstTimestamp": None, "eventTime": "2026-11-22T21:44:23Z"}, "First Seen", "60s"),
        ({"source": {}, "reportingComponent": "kubelet"}, "Source", "kubelet"),
        ({"involvedObject": {"kind": "Pod"}}, "Object", "pod"),
        ({"series": {"count": 7, "lastObservedTime": BORN}}, "Count", 7),
        ({"series": {"count": 7, "lastObservedTime": BORN}}, "Last Seen", "3s"),
    ],
)
def test_events_with_fewer_or_more_fields(change: Object, column: str, shown: Any) -> None:
    assert cells({**EVENT, **change})[column] == shown


READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def running(*, ready: bool = True, **fields: Any) -> Object:
    return {"name": "nodeapp", "ready": ready, "state": {"running": {}}, **fields}


def waiting(reason: str) -> Object:
    return {"name": "nodeapp", "state": {"waiting": {"reason": reason}}}


def ended(**how: Any) -> Object:
    return {"name": "nodeapp", "state": {"terminated": how}}


def pod_with(*containers: Object, **status: Any) -> Object:
    return {
        "metadata": {"name": "a", "creationTimestamp": "2026-11-22T21:45:20Z"},
        "spec": {"containers": [{"name": "nodeapp"}] * max(1, len(containers))},
        "status": {"phase": "Running", "containerStatuses": list(containers), **status},
    }


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (pod_with(phase="Pending"), "Pending"),
        (pod_with(running()), "Running"),
        (pod_with(running(ready=False)), "Running"),
        (pod_with(waiting("ContainerCreating"), phase="Pending"), "ContainerCreating"),
        (pod_with(waiting("ErrImagePull"), phase="Pending"), "ErrImagePull"),
        (pod_with(waiting("ImagePullBackOff"), phase="Pending"), "ImagePullBackOff"),
        (pod_with(waiting("CrashLoopBackOff")), "CrashLoopBackOff"),
        (pod_with(ended(exitCode=1, reason="Error")), "Error"),
        (pod_with(ended(exitCode=0, reason="Completed"), phase="Succeeded"), "Completed"),
        (pod_with(ended(exitCode=3)), "ExitCode:3"),
        (pod_with(ended(exitCode=137, signal=9)), "Signal:9"),
        (pod_with(phase="Failed", reason="Evicted"), "Evicted"),
        (pod_with(waiting("CrashLoopBackOff"), running()), "CrashLoopBackOff"),
        (pod_with(running(), waiting("CrashLoopBackOff")), "CrashLoopBackOff"),
        (pod_with(waiting("First"), waiting("Second")), "First"),
        (pod_with(ended(reason="Completed"), running(), **READY), "Running"),
        (pod_with(ended(reason="Completed"), running()), "NotReady"),
        (
            pod_with(conditions=[{"type": "PodScheduled", "reason": "SchedulingGated"}]),
            "SchedulingGated",
        ),
    ],
)
def test_the_status_of_a_pod(given: Object, word: str) -> None:
    assert status_column(given) == word


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ({}, "Terminating"),
        ({"phase": "Succeeded"}, "Succeeded"),
        ({"reason": "NodeLost"}, "Unknown"),
    ],
)
def test_a_terminating_pod(status: Object, word: str) -> None:
    leaving = pod_with(**status)
    leaving["metadata"]["deletionTimestamp"] = "2026-11-22T21:45:23Z"
    assert status_column(leaving) == word


@pytest.mark.parametrize(
    ("containers", "ready"),
    [
        ([], "0/1"),
        ([running()], "1/1"),
        ([running(ready=False)], "0/1"),
        ([running(), waiting("CrashLoopBackOff")], "1/2"),
        ([{**ended(reason="Completed"), "ready": True}], "0/1"),
    ],
)
def test_ready_containers_are_counted(containers: list[Object], ready: str) -> None:
    assert row_cells("Pod", pod_with(*containers), NOW)[1] == ready


def initializing(*init: Object, **status: Any) -> Object:
    """A pod with the init containers `first` and `beside`, a sidecar; its container waits."""
    names = [{"name": "first"}, {"name": "beside", "restartPolicy": "Always"}]
    found = pod_with(waiting("PodInitializing"), phase="Pending", **status)
    found["spec"]["initContainers"] = names
    pairs = zip(names, init, strict=False)
    found["status"]["initContainerStatuses"] = [{**one, "name": n["name"]} for n, one in pairs]
    return found


DONE = ended(exitCode=0, reason="Completed")
STARTED = running(ready=False, started=True)
INITIALIZED = {"conditions": [{"type": "Initialized", "status": "True"}]}


@pytest.mark.parametrize(
    ("given", "ready", "word"),
    [
        (initializing(running(), waiting("PodInitializing")), "0/2", "Init:0/2"),
        (initializing(waiting("PodInitializing")), "0/2", "Init:0/2"),
        (initializing(waiting("ErrImagePull")), "0/2", "Init:ErrImagePull"),
        (initializing(waiting("CrashLoopBackOff")), "0/2", "Init:CrashLoopBackOff"),
        (initializing(ended(exitCode=3, reason="Error")), "0/2", "Init:Error"),
        (initializing(ended(exitCode=3)), "0/2", "Init:ExitCode:3"),
        (initializing(DONE, running(ready=False)), "0/2", "Init:1/2"),
        (initializing(DONE, STARTED), "0/2", "PodInitializing"),
        (initializing(DONE, running(started=True)), "1/2", "PodInitializing"),
        (initializing(DONE, waiting("CrashLoopBackOff"), **INITIALIZED), "0/2", "PodInitializing"),
    ],
)
def test_a_pod_that_initializes(given: Object, ready: str, word: str) -> None:
    assert row_cells("Pod", given, NOW)[1:3] == [ready, word]


@pytest.mark.parametrize(("conditions", "restarts"), [({}, "5"), (INITIALIZED, "4")])
def test_restarts_of_init_containers_count_until_they_are_done(
    conditions: Object, restarts: str
) -> None:
    given = initializing(restarted(1), restarted(4), **conditions)
    assert row_cells("Pod", given, NOW)[3] == restarts


def restarted(count: int, *, ended_at: str | None = None) -> Object:
    last = {"terminated": {"finishedAt": ended_at}} if ended_at else {}
    return running(restartCount=count, lastState=last)


@pytest.mark.parametrize(
    ("containers", "restarts"),
    [
        ([restarted(0)], "0"),
        ([restarted(2)], "2"),
        ([restarted(1, ended_at="2026-11-22T21:45:18Z")], "1 (5s ago)"),
        (
            [
                restarted(1, ended_at="2026-11-22T21:40:23Z"),
                restarted(2, ended_at="2026-11-22T21:45:13Z"),
            ],
            "3 (10s ago)",
        ),
    ],
)
def test_restarts_are_counted(containers: list[Object], restarts: str) -> None:
    assert row_cells("Pod", pod_with(*containers), NOW)[3] == restarts


def test_a_scheduled_pod_has_ip_and_node() -> None:
    there = pod_with(running(), podIP="10.244.0.217")
    there["spec"]["nodeName"] = "playground"
    wide = ["10.244.0.217", "playground", "<none>", "<none>"]
    assert row_cells("Pod", there, NOW) == ["a", "1/1", "Running", "0", "3s", *wide]


def test_an_unscheduled_pod_has_neither() -> None:
    assert row_cells("Pod", pod_with(phase="Pending"), NOW)[5:] == ["<none>"] * 4


def test_readiness_gates_that_are_true_are_counted() -> None:
    gated = pod_with(conditions=[{"type": "one", "status": "True"}])
    gated["spec"]["readinessGates"] = [{"conditionType": "one"}, {"conditionType": "two"}]
    assert row_cells("Pod", gated, NOW)[-1] == "1/2"


METADATA = {"name": "one", "creationTimestamp": "2026-11-22T21:45:20Z"}
DEFAULT = {"ingressclass.kubernetes.io/is-default-class": "true"}


def cells_of_ingress(**fields: Any) -> list[Any]:
    return row_cells("Ingress", {**ingress(), "metadata": METADATA, **fields}, NOW)


def hosts(*names: str) -> Any:
    return cells_of_ingress(spec={"rules": [{"host": name} if name else {} for name in names]})[2]


def of_class(*, annotations: Object | None = None, **spec: Any) -> list[Any]:
    meta = {**METADATA, "annotations": annotations or {}}
    return row_cells(
        "IngressClass", {"metadata": meta, "spec": {"controller": "a.b/c", **spec}}, NOW
    )


def test_an_ingress() -> None:
    assert cells_of_ingress() == ["one", "nginx", "foo.bar.com", "", "80", "3s"]


def test_an_ingress_without_a_class() -> None:
    assert cells_of_ingress(spec={})[1] == "<none>"


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ((), "*"),
        (("",), "*"),
        (("", "a"), "a"),
        (("a", "b", "c"), "a,b,c"),
        (("a", "b", "c", "d", "e"), "a,b,c + 2 more..."),
        (("a", "b", "c", ""), "a,b,c + 1 more..."),
        (("", "a", "b", "c"), "a,b,c"),
    ],
)
def test_at_most_three_hosts_are_listed(names: tuple[str, ...], shown: str) -> None:
    assert hosts(*names) == shown


def test_an_ingress_with_tls_has_port_443() -> None:
    assert cells_of_ingress(spec={"tls": [{}]})[4] == "80, 443"


@pytest.mark.parametrize(
    ("entries", "shown"),
    [
        ([{"ip": "127.0.0.1"}], "127.0.0.1"),
        ([{"hostname": "b.example"}, {"hostname": "a.example"}], "a.example,b.example"),
        ([{"ip": "127.0.0.1"}, {"ip": "127.0.0.1"}, {}], "127.0.0.1"),
    ],
)
def test_addresses_of_an_ingress_are_unique(entries: list[Object], shown: str) -> None:
    assert cells_of_ingress(status={"loadBalancer": {"ingress": entries}})[3] == shown


def test_an_ingress_class() -> None:
    assert of_class() == ["one", "a.b/c", "<none>", "3s"]


def test_the_default_class_is_marked() -> None:
    assert of_class(annotations=DEFAULT)[0] == "one (default)"


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ({"kind": "Settings", "name": "a"}, "Settings/a"),
        ({"apiGroup": "example.com", "kind": "Settings", "name": "a"}, "Settings.example.com/a"),
    ],
)
def test_parameters_of_an_ingress_class(reference: Object, shown: str) -> None:
    assert of_class(parameters=reference)[2] == shown


CREATED = {"creationTimestamp": "2026-11-22T21:45:20Z"}


def cells_of_custom(document: Object, **fields: Any) -> list[Any]:
    made = {**complete(document), **fields}
    made["metadata"] = {**made["metadata"], **CREATED}
    [row] = build_table(made["kind"], [made], NOW)["rows"]
    return list(row["cells"])


def test_a_gateway_without_a_controller() -> None:
    assert cells_of_custom(gateway()) == ["canarylab", "nginx", None, "Unknown", "3s"]


def test_a_programmed_gateway() -> None:
    status = {
        "addresses": [{"value": "127.0.0.1"}, {"value": "127.0.0.2"}],
        "conditions": [{"type": "Programmed", "status": "True"}],
    }
    assert cells_of_custom(gateway(), status=status)[2:4] == ["127.0.0.1", "True"]


def test_a_gateway_class() -> None:
    assert cells_of_custom(gateway_class(description="for the lab")) == [
        "canarylab", "example.com/controller", "Unknown", "3s", "for the lab",
    ]  # fmt: skip


def test_a_route() -> None:
    assert cells_of_custom(http_route(hostnames=["a.b", "c.d"])) == [
        "canarylab",
        '["a.b","c.d"]',
        "3s",
    ]


def test_a_route_for_every_host() -> None:
    assert cells_of_custom(http_route(hostnames=None))[1] is None


MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (1.9, "1s"),
        (119, "119s"),
        (2 * MINUTE, "2m"),
        (2 * MINUTE + 1, "2m1s"),
        (10 * MINUTE - 1, "9m59s"),
        (10 * MINUTE, "10m"),
        (3 * HOUR - 1, "179m"),
        (3 * HOUR, "3h"),
        (7 * HOUR + 59 * MINUTE, "7h59m"),
        (8 * HOUR, "8h"),
        (48 * HOUR - 1, "47h"),
        (2 * DAY, "2d"),
        (2 * DAY + 3 * HOUR, "2d3h"),
        (8 * DAY - 1, "7d23h"),
        (8 * DAY, "8d"),
        (2 * YEAR - 1, "729d"),
        (2 * YEAR, "2y"),
        (3 * YEAR + 5 * DAY, "3y5d"),
        (8 * YEAR, "8y"),
    ],
)
def test_a_duration_is_written_as_by_kubectl(seconds: float, text: str) -> None:
    assert human_duration(timedelta(seconds=seconds)) == text


def test_an_age_is_the_time_since_a_timestamp() -> None:
    now = datetime(2026, 11, 22, 21, 45, 23, tzinfo=UTC)
    assert age("2026-11-22T21:42:09Z", now) == "3m14s"


@pytest.mark.parametrize("never", [None, ""])
def test_the_age_of_no_timestamp_is_unknown(never: str | None) -> None:
    assert age(never, datetime(2026, 11, 22, tzinfo=UTC)) == "<unknown>"


def metric(kind: str, **target: Any) -> Object:
    source = {"name": "cpu", "metric": {"name": "hits"}, "target": target}
    return {"type": kind, f"{kind[0].lower()}{kind[1:]}": source}


@pytest.mark.parametrize(
    ("metrics", "shown"),
    [
        ([], "<none>"),
        ([metric("Resource", averageUtilization=80)], "cpu: <unknown>/80%"),
        ([metric("Resource", averageValue="100Mi")], "cpu: <unknown>/100Mi"),
        ([metric("Resource")], "cpu: <unknown>/<auto>"),
        ([metric("Pods", averageValue="10")], "<unknown>/10"),
        ([metric("Object", value="10")], "<unknown>/10"),
        ([metric("External", averageValue="10")], "<unknown>/10 (avg)"),
        (
            [metric("Resource", averageUtilization=percent) for percent in (1, 2, 3)],
            "cpu: <unknown>/1%, cpu: <unknown>/2% + 1 more...",
        ),
    ],
)
def test_the_targets_of_an_autoscaler(metrics: list[Object], shown: str) -> None:
    assert row_cells("HorizontalPodAutoscaler", autoscaler(metrics=metrics), NOW)[2] == shown


def conditions(*types: str) -> list[Object]:
    since = "2026-11-22T21:45:00Z"
    return [{"type": one, "status": "True", "lastTransitionTime": since} for one in types]


@pytest.mark.parametrize(
    ("types", "shown"),
    [
        ((), "Running"),
        (("SuccessCriteriaMet",), "SuccessCriteriaMet"),
        (("SuccessCriteriaMet", "Complete"), "Complete"),
        (("FailureTarget", "Failed"), "Failed"),
        (("Suspended",), "Suspended"),
    ],
)
def test_the_status_of_a_job(types: tuple[str, ...], shown: str) -> None:
    made = {**complete(job()), "status": {"conditions": conditions(*types)}}
    assert row_cells("Job", made, NOW)[1] == shown


@pytest.mark.parametrize(
    ("spec", "shown"),
    [
        ({}, "0/1"),
        ({"completions": 3}, "0/3"),
        ({"parallelism": 1}, "0/1"),
        ({"parallelism": 2}, "0/1 of 2"),
    ],
)
def test_the_completions_of_a_job(spec: Object, shown: str) -> None:
    assert row_cells("Job", complete(job(**spec)), NOW)[2] == shown


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ({}, ""),
        ({"startTime": "2026-11-22T21:45:20Z"}, "3s"),
        ({"startTime": "2026-11-22T21:44:20Z", "completionTime": "2026-11-22T21:44:27Z"}, "7s"),
        ({"startTime": "2026-11-22T21:44:20Z", "conditions": conditions("Failed")}, "63s"),
    ],
)
def test_the_duration_of_a_job(status: Object, shown: str) -> None:
    assert row_cells("Job", {**complete(job()), "status": status}, NOW)[3] == shown


def test_a_disruption_budget_has_one_bound() -> None:
    made = disruption_budget(maxUnavailable="25%")
    assert row_cells("PodDisruptionBudget", made, NOW)[1:4] == ["N/A", "25%", 0]


def test_a_role_shows_when_it_was_made() -> None:
    made = {**role(), "metadata": {"name": "r", "creationTimestamp": "2026-11-28T02:20:48Z"}}
    assert row_cells("Role", made, NOW) == ["r", "2026-11-28T02:20:48Z"]


def test_a_role_binding_shows_its_subjects() -> None:
    robot = {"kind": "ServiceAccount", "name": "robot", "namespace": "lab"}
    people = [{"kind": "User", "name": "ann"}, {"kind": "User", "name": "ben"}]
    shown = row_cells("RoleBinding", role_binding(robot, *people), NOW)
    assert (shown[1], shown[3:]) == ("Role/reader", ["ann, ben", "", "lab/robot"])
