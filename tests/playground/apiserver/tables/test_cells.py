"""What stands in the rows of tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from canarylab.playground.apiserver.tables import table_of
from canarylab.playground.apiserver.tables.columns import column_definitions
from canarylab.playground.kube.api import Object
from tests.playground.apiserver.specimens import complete, container, deployment, service, template

NOW = datetime(2026, 11, 22, 21, 45, 23, tzinfo=UTC)
BORN = "2026-11-22T21:45:20Z"
META = {"name": "nodeapp", "namespace": "default", "creationTimestamp": BORN}


def cells(obj: Object) -> dict[str, Any]:
    """By the name of their column."""
    obj = {**obj, "metadata": {**META, **obj.get("metadata", {})}}
    [row] = table_of(obj["kind"], [obj], NOW)["rows"]
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


def test_a_deployment_that_nobody_looked_at_yet() -> None:
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
def test_what_a_service_lacks_or_has(spec: Object, column: str, shown: str) -> None:
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
def test_how_a_node_is(node: Object, status: str) -> None:
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
def test_events_that_say_less_or_more(change: Object, column: str, shown: Any) -> None:
    assert cells({**EVENT, **change})[column] == shown
