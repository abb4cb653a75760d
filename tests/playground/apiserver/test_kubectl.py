"""The real kubectl against the server, without controllers or a node behind it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from canarylab.kube_objects import Key
from canarylab.playground.kube.api import IMMEDIATELY
from tests.needs import needs
from tests.playground.apiserver.server import Server, deployment, pod
from tests.waiting import until

pytestmark = needs("kubectl")

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: nodeapp}}
  template:
    metadata: {labels: {app: nodeapp}}
    spec:
      containers: [{name: nodeapp, image: "node_app:1.0"}]
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: nodeapp-svc}
spec:
  type: NodePort
  selector: {app: nodeapp}
  ports: [{port: 80, targetPort: 3333, nodePort: 32089}]
"""


async def stored(server: Server, name: str = "web") -> Any:
    return await server.api.get("Deployment", Key("default", name))


async def applied(server: Server, text: str = WEB) -> str:
    return (await server.kubectl("apply -f -", stdin=text)).out.strip()


async def test_a_second_apply_changes_nothing(server: Server) -> None:
    assert await applied(server) == "deployment.apps/web created"
    assert await applied(server) == "deployment.apps/web unchanged"


async def test_apply_changes_what_differs(server: Server) -> None:
    await applied(server)
    changed = WEB.replace("node_app:1.0", "node_app:2.0")
    assert await applied(server, changed) == "deployment.apps/web configured"
    container = (await stored(server))["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "node_app:2.0"


async def test_apply_refuses_an_unknown_field(server: Server) -> None:
    server.write("web.yaml", WEB.replace("replicas", "replica"))
    result = await server.kubectl("apply -f web.yaml")
    assert (result.code, result.err) == (
        1,
        'Error from server (BadRequest): error when creating "web.yaml": '
        'Deployment in version "v1" cannot be handled as a Deployment: '
        'strict decoding error: unknown field "spec.replica"\n',
    )


async def test_apply_refuses_a_node_port_that_is_taken(server: Server) -> None:
    await applied(server, SERVICE)
    result = await server.kubectl("apply -f -", stdin=SERVICE.replace("nodeapp-svc", "other-svc"))
    assert result.err == (
        'The Service "other-svc" is invalid: spec.ports[0].nodePort: '
        "Invalid value: 32089: provided port is already allocated\n"
    )


async def test_create_sends_protobuf(server: Server) -> None:
    result = await server.kubectl("create deployment web --image=node_app:1.0 --replicas=3")
    assert result.out == "deployment.apps/web created\n"
    assert (await stored(server))["spec"]["replicas"] == 3


async def test_a_dry_run_on_the_server_stores_nothing(server: Server) -> None:
    result = await server.kubectl("apply --dry-run=server -f -", stdin=WEB)
    assert result.out == "deployment.apps/web created (server dry run)\n"
    assert await server.api.list("Deployment") == []


async def test_scale_and_get(server: Server) -> None:
    await applied(server)
    result = await server.kubectl("scale deployment web --replicas=5")
    assert result.out == "deployment.apps/web scaled\n"
    shown = (await server.kubectl("get deploy web --no-headers")).out.split()
    assert shown[:4] == ["web", "0/5", "0", "0"]


@pytest.mark.parametrize(
    "patch",
    [
        '{"spec":{"replicas":7}}',
        '--type=merge -p {"spec":{"replicas":7}}',
        '--type=json -p [{"op":"replace","path":"/spec/replicas","value":7}]',
    ],
)
async def test_patch(server: Server, patch: str) -> None:
    await applied(server)
    flag = "" if patch.startswith("--") else "-p "
    result = await server.kubectl(f"patch deployment web {flag}{patch}")
    assert result.out == "deployment.apps/web patched\n"
    assert (await stored(server))["spec"]["replicas"] == 7


async def test_set_image_label_and_annotate(server: Server) -> None:
    await applied(server)
    await server.kubectl("set image deployment/web nodeapp=node_app:2.0")
    await server.kubectl("label deployment web team=blue")
    await server.kubectl("annotate deployment web note=by-hand")
    after = await stored(server)
    assert after["spec"]["template"]["spec"]["containers"][0]["image"] == "node_app:2.0"
    assert after["metadata"]["labels"] == {"team": "blue"}
    assert after["metadata"]["annotations"]["note"] == "by-hand"


async def test_diff_shows_what_would_change(server: Server) -> None:
    await applied(server)
    result = await server.kubectl("diff -f -", stdin=WEB.replace("replicas: 3", "replicas: 4"))
    assert result.code == 1
    assert "+  replicas: 4" in result.out
    assert (await stored(server))["spec"]["replicas"] == 3


async def test_delete_waits_until_it_is_gone(server: Server) -> None:
    await server.api.create(pod())
    deleting = asyncio.create_task(server.kubectl("delete pod web"))
    key = Key("default", "web")
    await until(lambda: "deletionTimestamp" in server.api.store.find("Pod", key)["metadata"])  # type: ignore[index]
    await server.api.delete("Pod", key, IMMEDIATELY)
    result = await deleting
    assert (result.code, result.out.split(" from ")[0].strip()) == (0, 'pod "web" deleted')


async def test_a_watch_is_printed_line_by_line(server: Server) -> None:
    await server.api.create(deployment())
    watching = asyncio.create_task(
        server.kubectl("get deploy -w --no-headers --request-timeout=3s")
    )
    await until(lambda: server.api.store._subscriptions.get("Deployment"))
    made = await stored(server)
    await server.api.update({**made, "spec": {**made["spec"], "replicas": 5}})
    shown = [line.split()[1] for line in (await watching).out.splitlines()]
    assert shown == ["0/1", "0/5"]


async def test_wait_sees_a_condition_come_true(server: Server) -> None:
    await server.api.create(deployment())
    waiting = asyncio.create_task(
        server.kubectl("wait --for=jsonpath={.status.readyReplicas}=1 deploy/web --timeout=20s")
    )
    await until(lambda: server.api.store._subscriptions.get("Deployment"))
    made = await stored(server)
    await server.api.update_status({**made, "status": {"readyReplicas": 1}})
    result = await waiting
    assert (result.code, result.out) == (0, "deployment.apps/web condition met\n")


async def test_explain(server: Server) -> None:
    result = await server.kubectl("explain deployment.spec.replicas")
    assert "FIELD: replicas <integer>" in result.out


async def test_logs_and_exec(server: Server) -> None:
    await server.api.create(pod())
    server.kubelet.written = [b"Server started\n"]
    assert (await server.kubectl("logs web")).out == "Server started\n"
    assert (await server.kubectl("exec web -- echo hello")).out == "hello\n"
    assert (await server.kubectl("exec -i web -- cat", stdin="hello\n")).out == "hello\n"


async def test_exec_returns_the_exit_status(server: Server) -> None:
    await server.api.create(pod())
    result = await server.kubectl("exec web -- sh -c exit${IFS}3")
    assert (result.code, result.err) == (3, "command terminated with exit code 3\n")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("get deploy nobody", 'Error from server (NotFound): deployments.apps "nobody" not found'),
        ("get nosuchkind", 'error: the server doesn\'t have a resource type "nosuchkind"'),
        ("exec nobody -- true", 'Error from server (NotFound): pods "nobody" not found'),
        (
            "delete namespace default",
            'Error from server (Forbidden): namespaces "default" is forbidden: '
            "this namespace may not be deleted",
        ),
        (
            "get pods --field-selector=status.colour=red",
            'Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label '
            'selector "", field selector "status.colour=red": '
            "field label not supported: status.colour",
        ),
    ],
)
async def test_refusals_have_the_words_of_kubernetes(
    server: Server, command: str, words: str
) -> None:
    result = await server.kubectl(command)
    assert (result.code, result.err.strip()) == (1, words)


async def test_kubectl_prints_the_warning_for_endpoints(server: Server) -> None:
    result = await server.kubectl("get endpoints")
    assert result.err == (
        "Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\n"
    )


async def test_kubectl_gets_a_list_of_several_kinds(server: Server) -> None:
    result = json.loads((await server.kubectl("get pods -o json")).out)
    assert (result["kind"], result["apiVersion"], list(result["metadata"])) == (
        "List",
        "v1",
        ["resourceVersion"],
    )


async def test_the_token_permits_everything(server: Server) -> None:
    assert (await server.kubectl("auth can-i create deployments")).out == "yes\n"


async def test_drain_evicts_through_the_api(server: Server) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "playground"}}
    await server.api.create(node)
    await server.api.create(pod())
    draining = asyncio.create_task(server.kubectl("drain playground --force"))
    key = Key("default", "web")
    await until(lambda: "deletionTimestamp" in server.api.store.find("Pod", key)["metadata"])  # type: ignore[index]
    await server.api.delete("Pod", key, IMMEDIATELY)
    result = await draining
    assert (result.code, result.out.splitlines()[-1]) == (0, "node/playground drained")


async def test_an_ingress_is_created_shown_and_described(server: Server) -> None:
    rule = "foo.bar.com/canary*=nodeapp-svc:80"
    result = await server.kubectl(f"create ingress one --rule={rule} --class=nginx")
    assert result.out == "ingress.networking.k8s.io/one created\n"
    [head, row] = (await server.kubectl("get ing")).out.splitlines()
    assert head.split() == ["NAME", "CLASS", "HOSTS", "ADDRESS", "PORTS", "AGE"]
    assert row.split()[:4] == ["one", "nginx", "foo.bar.com", "80"]
    described = (await server.kubectl("describe ingress one")).out
    assert '/canary   nodeapp-svc:80 (<error: services "nodeapp-svc" not found>)' in described


async def test_an_ingress_gets_the_default_class(server: Server) -> None:
    await server.kubectl(
        "annotate ingressclass nginx ingressclass.kubernetes.io/is-default-class=true"
    )
    await server.kubectl("create ingress one --default-backend=nodeapp-svc:80")
    made = await server.api.get("Ingress", Key("default", "one"))
    assert made["spec"]["ingressClassName"] == "nginx"
    [_, row] = (await server.kubectl("get ingressclass")).out.splitlines()
    assert row.startswith("nginx (default)")


ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: nodeapp}
spec:
  parentRefs: [{name: canarylab}]
  hostnames: [foo.bar.com]
  rules: [{backendRefs: [{name: nodeapp-svc, port: 80, weight: 90}]}]
"""


async def test_a_route_is_applied_and_changed(server: Server) -> None:
    assert await applied(server, ROUTE) == "httproute.gateway.networking.k8s.io/nodeapp created"
    await applied(server, ROUTE.replace("90", "50"))
    made = await server.api.get("HTTPRoute", Key("default", "nodeapp"))
    assert made["spec"]["rules"][0]["backendRefs"][0]["weight"] == 50
    assert made["metadata"]["generation"] == 2


async def test_a_route_of_v1beta1_is_applied_and_printed(server: Server) -> None:
    older = ROUTE.replace("gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1")
    assert await applied(server, older) == "httproute.gateway.networking.k8s.io/nodeapp created"
    resource = "httproutes.v1beta1.gateway.networking.k8s.io"
    result = await server.kubectl(f"get {resource} nodeapp -o jsonpath={{.apiVersion}}")
    assert result.out == "gateway.networking.k8s.io/v1beta1"


async def test_a_route_has_no_strategic_merge_patch(server: Server) -> None:
    await applied(server, ROUTE)
    result = await server.kubectl('patch httproute nodeapp -p {"spec":{"hostnames":["a.b"]}}')
    assert "application/strategic-merge-patch+json is not supported by" in result.err


async def test_secrets_of_all_three_forms_are_created(server: Server) -> None:
    for command in (
        "generic login --from-literal=token=abc123",
        "docker-registry pull --docker-server=a.b --docker-username=ann --docker-password=p",
        "generic own --from-literal=a=b --type=example.com/own",
    ):
        made = await server.kubectl(f"create secret {command}")
        assert made.out == f"secret/{command.split()[1]} created\n", made.err
    secrets = await server.api.list("Secret", "default")
    assert {secret["metadata"]["name"]: secret["type"] for secret in secrets} == {
        "login": "Opaque",
        "pull": "kubernetes.io/dockerconfigjson",
        "own": "example.com/own",
    }


async def test_a_secret_is_described_without_its_values(server: Server) -> None:
    await server.kubectl("create secret generic login --from-literal=token=abc123")
    assert "token:  6 bytes" in (await server.kubectl("describe secret login")).out
