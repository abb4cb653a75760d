"""Validation of pods, Deployments and ReplicaSets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from canarylab.kube_objects import Object
from tests.playground.apiserver.documents import (
    causes,
    container,
    deployment,
    errors_of,
    pod,
    template,
)


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"restartPolicy": "Never", "activeDeadlineSeconds": 60},
        {"hostname": "here", "subdomain": "there", "nodeName": "playground"},
        {"volumes": [{"name": "a"}, {"name": "b", "configMap": {"name": "c"}}]},
        {"nodeSelector": {"kubernetes.io/os": "linux"}},
    ],
)
def test_valid_pods_are_accepted(spec: Object) -> None:
    assert errors_of(pod(**spec)) == []


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ({"containers": []}, ["spec.containers: Required value"]),
        (
            {"restartPolicy": "Maybe"},
            [
                'spec.restartPolicy: Unsupported value: "Maybe": '
                'supported values: "Always", "OnFailure", "Never"'
            ],
        ),
        (
            {"dnsPolicy": "Guess"},
            [
                'spec.dnsPolicy: Unsupported value: "Guess": supported values: '
                '"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"'
            ],
        ),
        (
            {"activeDeadlineSeconds": 0},
            [
                "spec.activeDeadlineSeconds: Invalid value: 0: "
                "must be between 1 and 2147483647, inclusive"
            ],
        ),
        ({"hostname": "a.b"}, ['spec.hostname: Invalid value: "a.b": must not contain dots']),
        ({"volumes": [{}]}, ["spec.volumes[0].name: Required value"]),
        (
            {"volumes": [{"name": "a"}, {"name": "a"}]},
            ['spec.volumes[1].name: Duplicate value: "a"'],
        ),
    ],
)
def test_invalid_pods_are_refused(spec: Object, problems: list[str]) -> None:
    assert errors_of(pod(**spec)) == problems


EPHEMERAL = [{"name": "debug", "image": "tools:1.0", "ports": [{"containerPort": 80}]}]


def test_ephemeral_containers_cannot_be_created() -> None:
    spec, words = {"ephemeralContainers": EPHEMERAL}, "spec.ephemeralContainers: Forbidden: "
    assert errors_of(pod(**spec)) == [f"{words}cannot be set on create"]
    [error] = errors_of(deployment(template=template(**spec)))
    assert error == f"spec.template.{words}ephemeral containers not allowed in pod template"


def test_the_labels_of_a_template_are_named_as_kubernetes_names_them() -> None:
    labelled = {**template(), "metadata": {"labels": {"app": "nodeapp", "env": "a b"}}}
    fields = [sentence.partition(":")[0] for sentence in errors_of(deployment(template=labelled))]
    assert "spec.template.labels" in fields


@pytest.mark.parametrize(
    "change",
    [
        {"containers": [container(image="node_app:2.0")]},
        {"activeDeadlineSeconds": 60},
        {"tolerations": [{"key": "spot", "operator": "Exists"}]},
    ],
)
def test_the_mutable_fields_of_a_pod_can_change(change: dict[str, Any]) -> None:
    assert errors_of(pod(**change), pod()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"containers": [container(env=[{"name": "A"}])]},
        {"containers": [container(name="other")]},
        {"hostname": "other"},
        {"nodeName": "elsewhere"},
        {"restartPolicy": "Never"},
        {"terminationGracePeriodSeconds": 1},
    ],
)
def test_the_other_fields_of_a_pod_are_immutable(change: dict[str, Any]) -> None:
    [problem] = errors_of(pod(**change), pod())
    assert problem.startswith(
        "spec: Forbidden: pod updates may not change fields other than "
        "`spec.containers[*].image`,`spec.initContainers[*].image`,"
    )


def test_a_pod_stays_on_its_node() -> None:
    [problem] = errors_of(pod(), pod(nodeName="playground"))
    assert problem.endswith("\n  nodeName")


@pytest.mark.parametrize(
    ("change", "before"),
    [
        ({"activeDeadlineSeconds": 60}, {"activeDeadlineSeconds": 60}),
        ({"activeDeadlineSeconds": 1}, {"activeDeadlineSeconds": 60}),
        ({"terminationGracePeriodSeconds": 1}, {"terminationGracePeriodSeconds": -1}),
    ],
)
def test_numbers_of_a_pod_can_become_smaller(
    change: dict[str, Any], before: dict[str, Any]
) -> None:
    assert errors_of(pod(**change), pod(**before)) == []


@pytest.mark.parametrize("grace", [-2, 0, 2])
def test_a_negative_grace_period_can_only_become_one(grace: int) -> None:
    after = pod(terminationGracePeriodSeconds=grace)
    [problem] = errors_of(after, pod(terminationGracePeriodSeconds=-1))
    assert problem.endswith("\n  terminationGracePeriodSeconds")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"activeDeadlineSeconds": 900}, "900: must be less than or equal to previous value"),
        ({}, "null: must not update from a positive integer to nil value"),
    ],
)
def test_a_deadline_is_never_extended(change: dict[str, Any], problem: str) -> None:
    assert errors_of(pod(**change), pod(activeDeadlineSeconds=60)) == [
        f"spec.activeDeadlineSeconds: Invalid value: {problem}"
    ]


TOLERATION = {"key": "a", "operator": "Equal", "value": "b", "effect": "NoExecute"}


@pytest.mark.parametrize(
    "tolerations",
    [
        [{"key": "spot", "operator": "Exists"}, TOLERATION],
        [{**TOLERATION, "tolerationSeconds": 5}],
    ],
)
def test_tolerations_can_be_added_and_get_other_seconds(tolerations: list[Object]) -> None:
    assert errors_of(pod(tolerations=tolerations), pod(tolerations=[TOLERATION])) == []


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"tolerations": []},
        {"tolerations": [{**TOLERATION, "value": "c"}]},
        {"tolerations": [{**TOLERATION, "effect": "NoSchedule"}]},
        {"tolerations": [{"operator": "Exists"}]},
    ],
)
def test_the_tolerations_that_are_there_stay(change: dict[str, Any]) -> None:
    assert errors_of(pod(**change), pod(tolerations=[TOLERATION])) == [
        "spec.tolerations: Forbidden: existing toleration can not be modified except its "
        "tolerationSeconds"
    ]


@pytest.mark.parametrize("group", ["containers", "initContainers"])
def test_containers_cannot_be_added_to_a_pod(group: str) -> None:
    before = pod(initContainers=[container(name="first")])
    more = pod(initContainers=[container(name="first")])
    more["spec"][group] = [*more["spec"][group], container(name="side")]
    assert errors_of(more, before) == [
        f"spec.{group}: Forbidden: pod updates may not add or remove containers"
    ]


FIRST = "spec.containers[0]."
NAME = {"fieldRef": {"fieldPath": "metadata.name"}}


def about(**fields: Any) -> list[str]:
    """What is expected about a pod whose container has these fields."""
    document = pod(containers=[container(**fields)], volumes=[{"name": "here"}])
    return [sentence.removeprefix(FIRST) for sentence in errors_of(document)]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"ports": [{"containerPort": 3333, "name": "http", "hostPort": 8080}]},
        {"env": [{"name": "A"}, {"name": "B", "valueFrom": NAME}]},
        {"envFrom": [{"configMapRef": {"name": "settings"}}]},
        {"volumeMounts": [{"name": "here", "mountPath": "/a"}]},
        {"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "500m", "memory": "1Gi"}}},
        {"resources": {"limits": {"example.com/gpu": "1", "hugepages-2Mi": "0"}}},
        {"imagePullPolicy": "Never"},
    ],
)
def test_valid_containers_are_accepted(fields: Object) -> None:
    assert about(**fields) == []


TYPES_OF_PORTS = 'supported values: "SCTP", "TCP", "UDP"'
SOURCES = (
    "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or "
    "`fileKeyRef`"
)


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({"name": ""}, ["name: Required value"]),
        ({"name": "node-app-1.0"}, ['name: Invalid value: "node-app-1.0": must not contain dots']),
        ({"image": ""}, ["image: Required value"]),
        (
            {"image": " node_app:1.0"},
            ['image: Invalid value: " node_app:1.0": must not have leading or trailing whitespace'],
        ),
        (
            {"imagePullPolicy": "Sometimes"},
            [
                'imagePullPolicy: Unsupported value: "Sometimes": '
                'supported values: "Always", "IfNotPresent", "Never"'
            ],
        ),
        (
            {"terminationMessagePolicy": "Shout"},
            [
                'terminationMessagePolicy: Unsupported value: "Shout": '
                'supported values: "File", "FallbackToLogsOnError"'
            ],
        ),
        ({"ports": [{}]}, ["ports[0].containerPort: Required value"]),
        (
            {"ports": [{"containerPort": 99999}]},
            [
                "ports[0].containerPort: Invalid value: 99999: "
                "must be between 1 and 65535, inclusive"
            ],
        ),
        (
            {"ports": [{"containerPort": 1, "hostPort": -1, "protocol": "tcp"}]},
            [
                "ports[0].hostPort: Invalid value: -1: must be between 1 and 65535, inclusive",
                f'ports[0].protocol: Unsupported value: "tcp": {TYPES_OF_PORTS}',
            ],
        ),
        (
            {"ports": [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]},
            ['ports[1].name: Duplicate value: "a"'],
        ),
        ({"env": [{"value": "x"}]}, ["env[0].name: Required value"]),
        (
            {"env": [{"name": "A=B"}]},
            [
                'env[0].name: Invalid value: "A=B": a valid environment variable name must '
                "consist only of printable ASCII characters other than '='"
            ],
        ),
        (
            {"env": [{"name": "A", "valueFrom": {}}]},
            [f'env[0].valueFrom: Invalid value: "": {SOURCES}'],
        ),
        (
            {"env": [{"name": "A", "value": "x", "valueFrom": NAME}]},
            ['env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
        ),
        (
            {
                "env": [
                    {"name": "A", "valueFrom": {**NAME, "secretKeyRef": {"name": "a", "key": "b"}}}
                ]
            },
            [
                'env[0].valueFrom: Invalid value: "": '
                "may not have more than one field specified at a time"
            ],
        ),
        (
            {"envFrom": [{"prefix": "A"}]},
            ['envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'],
        ),
        (
            {"volumeMounts": [{"name": "there", "mountPath": "/a"}]},
            ['volumeMounts[0].name: Not found: "there"'],
        ),
        (
            {"volumeMounts": [{}]},
            [
                "volumeMounts[0].name: Required value",
                'volumeMounts[0].name: Not found: ""',
                "volumeMounts[0].mountPath: Required value",
            ],
        ),
        (
            {"volumeMounts": [{"name": "here", "mountPath": "/a"}] * 2},
            ['volumeMounts[1].mountPath: Invalid value: "/a": must be unique'],
        ),
        (
            {"resources": {"limits": {"cpu": "-1"}, "requests": {"cpu": "-2"}}},
            [
                'resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
                'resources.requests[cpu]: Invalid value: "-2": must be greater than or equal to 0',
            ],
        ),
        (
            {"resources": {"limits": {"cpu": "100m"}, "requests": {"cpu": "0.2"}}},
            [
                'resources.requests: Invalid value: "200m": '
                "must be less than or equal to cpu limit of 100m"
            ],
        ),
        (
            {"resources": {"requests": {"ram": "1Gi"}}},
            [
                'resources.requests[ram]: Invalid value: "ram": '
                "must be a standard resource type or fully qualified",
                'resources.requests[ram]: Invalid value: "ram": '
                "must be a standard resource for containers",
            ],
        ),
    ],
)
def test_invalid_containers_are_refused(fields: Object, problems: list[str]) -> None:
    assert about(**fields) == problems


def test_names_of_containers_are_unique() -> None:
    assert errors_of(pod(containers=[container(), container()])) == [
        'spec.containers[1].name: Duplicate value: "nodeapp"'
    ]


ANSWERS = {"httpGet": {"path": "/", "port": 3333}}


def probe_errors(name: str, probe: Object) -> list[str]:
    found = errors_of(pod(containers=[container(**{name: probe})]))
    return [sentence.removeprefix(f"{FIRST}{name}") for sentence in found]


@pytest.mark.parametrize(
    "action",
    [
        ANSWERS,
        {"httpGet": {"port": "http", "scheme": "HTTPS"}},
        {"tcpSocket": {"port": 3333}},
        {"exec": {"command": ["true"]}},
        {"grpc": {"port": 3333}},
    ],
)
def test_valid_probes_and_hooks_are_accepted(action: Object) -> None:
    assert probe_errors("readinessProbe", action) == []


IN_RANGE = "must be between 1 and 65535, inclusive"


@pytest.mark.parametrize(
    ("probe", "problems"),
    [
        ({}, [": Required value: must specify a handler type"]),
        (
            {**ANSWERS, "tcpSocket": {"port": 3333}},
            [".tcpSocket: Forbidden: may not specify more than 1 handler type"],
        ),
        ({"httpGet": {"port": 0}}, [f".httpGet.port: Invalid value: 0: {IN_RANGE}"]),
        (
            {"httpGet": {"port": 1, "scheme": "GOPHER"}},
            ['.httpGet.scheme: Unsupported value: "GOPHER": supported values: "HTTP", "HTTPS"'],
        ),
        (
            {"httpGet": {"port": 1, "httpHeaders": [{"name": "a b", "value": "c"}]}},
            [
                '.httpGet.httpHeaders: Invalid value: "a b": a valid HTTP header must consist of '
                "alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation "
                "is '[-A-Za-z0-9]+')"
            ],
        ),
        ({"tcpSocket": {"port": 99999}}, [f".tcpSocket.port: Invalid value: 99999: {IN_RANGE}"]),
        ({"grpc": {"port": 99999}}, [f".grpc.port: Invalid value: 99999: {IN_RANGE}"]),
        ({"exec": {}}, [".exec.command: Required value"]),
        (
            {**ANSWERS, "periodSeconds": -1},
            [".periodSeconds: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            {**ANSWERS, "terminationGracePeriodSeconds": 0},
            [".terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0"],
        ),
        ({**ANSWERS, "successThreshold": 2}, [".successThreshold: Invalid value: 2: must be 1"]),
    ],
)
def test_invalid_probes_are_refused(probe: Object, problems: list[str]) -> None:
    assert probe_errors("livenessProbe", probe) == problems


def test_a_readiness_probe_can_need_several_successes() -> None:
    assert probe_errors("readinessProbe", {**ANSWERS, "successThreshold": 2}) == []


def test_a_readiness_probe_has_no_grace_period() -> None:
    assert probe_errors("readinessProbe", {**ANSWERS, "terminationGracePeriodSeconds": 5}) == [
        ".terminationGracePeriodSeconds: Invalid value: 5: must not be set for readinessProbes"
    ]


def test_a_hook_needs_an_action() -> None:
    assert probe_errors("lifecycle", {"preStop": {}}) == [
        ".preStop: Required value: must specify a handler type"
    ]


def sleeping(hook: str, seconds: int) -> Object:
    return container(lifecycle={hook: {"sleep": {"seconds": seconds}}})


HOOKS = pytest.mark.parametrize("hook", ["postStart", "preStop"])
SLEEP_LIMIT = "must be non-negative and less than terminationGracePeriodSeconds"


@HOOKS
@pytest.mark.parametrize("seconds", [0, 3, 5])
def test_a_hook_can_sleep_for_the_grace_period(hook: str, seconds: int) -> None:
    sleeper = pod(containers=[sleeping(hook, seconds)], terminationGracePeriodSeconds=5)
    assert errors_of(sleeper) == []


@HOOKS
@pytest.mark.parametrize("seconds", [-1, 6, 20])
def test_a_hook_cannot_sleep_longer(hook: str, seconds: int) -> None:
    sleeper = pod(containers=[sleeping(hook, seconds)], terminationGracePeriodSeconds=5)
    assert errors_of(sleeper) == [
        f"{FIRST}lifecycle.{hook}.sleep: Invalid value: {seconds}: {SLEEP_LIMIT} (5)"
    ]


def test_a_template_has_the_same_limit_of_sleep() -> None:
    sleeper = deployment(template=template(containers=[sleeping("preStop", 31)]))
    assert errors_of(sleeper) == [
        f"spec.template.{FIRST}lifecycle.preStop.sleep: Invalid value: 31: {SLEEP_LIMIT} (30)"
    ]


MISSES = "`selector` does not match template `labels`"


def replica_set(**spec: Any) -> Object:
    return {**deployment(**spec), "kind": "ReplicaSet"}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"replicas": 0},
        {"selector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}},
        {"strategy": {"type": "Recreate"}},
        {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}},
        {"strategy": {"rollingUpdate": {"maxSurge": "150%", "maxUnavailable": "100%"}}},
        {"minReadySeconds": 5, "progressDeadlineSeconds": 6},
    ],
)
def test_valid_deployments_are_accepted(spec: Object) -> None:
    assert errors_of(deployment(**spec)) == []


KNOBS = "spec.strategy.rollingUpdate"


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        (
            {"replicas": -1},
            ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            {"selector": {}},
            ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
        ),
        (
            {"selector": {"matchLabels": {"app": "other"}}},
            [
                'spec.template.metadata.labels: Invalid value: {"app":"nodeapp","env":"prod"}: '
                + MISSES
            ],
        ),
        (
            {"selector": {"matchExpressions": [{"key": "app", "operator": "Like"}]}},
            [
                'spec.selector.matchExpressions[0].operator: Invalid value: "Like": '
                "not a valid selector operator",
                'spec.selector: Invalid value: {"matchExpressions":[{"key":"app",'
                '"operator":"Like"}]}: invalid label selector',
            ],
        ),
        (
            {"template": template(restartPolicy="Never")},
            [
                'spec.template.spec.restartPolicy: Unsupported value: "Never": '
                'supported values: "Always"'
            ],
        ),
        (
            {"template": template(activeDeadlineSeconds=5)},
            [
                "spec.template.spec.activeDeadlineSeconds: Forbidden: "
                "activeDeadlineSeconds in ReplicaSet is not Supported"
            ],
        ),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {}}},
            [f"{KNOBS}: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": "0%", "maxUnavailable": 0}}},
            [f"{KNOBS}.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"],
        ),
        (
            {"strategy": {"rollingUpdate": {"maxUnavailable": "101%"}}},
            [f'{KNOBS}.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": -1}}},
            [f"{KNOBS}.maxSurge: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": "some"}}},
            [
                f'{KNOBS}.maxSurge: Invalid value: "some": a valid percent string must be a '
                "numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
                "validation is '[0-9]+%')"
            ],
        ),
        (
            {"minReadySeconds": 600},
            [
                "spec.progressDeadlineSeconds: Invalid value: 600: "
                "must be greater than minReadySeconds"
            ],
        ),
        (
            {"revisionHistoryLimit": -1},
            ["spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0"],
        ),
    ],
)
def test_invalid_deployments_are_refused(spec: Object, problems: list[str]) -> None:
    assert errors_of(deployment(**spec)) == problems


def test_an_empty_deployment_has_three_errors() -> None:
    empty = {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "a"}}
    assert errors_of(empty) == [
        "spec.selector: Required value",
        f"spec.template.metadata.labels: Invalid value: null: {MISSES}",
        "spec.template.spec.containers: Required value",
    ]


def test_each_error_has_its_reason() -> None:
    empty = {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "a"}}
    assert [cause.reason for cause in causes(empty)] == [
        "FieldValueRequired",
        "FieldValueInvalid",
        "FieldValueRequired",
    ]


@pytest.mark.parametrize("make", [deployment, replica_set])
def test_the_selector_is_immutable(make: Callable[..., Object]) -> None:
    after = make(selector={"matchLabels": {"app": "nodeapp"}})
    assert errors_of(after, make()) == [
        'spec.selector: Invalid value: {"matchLabels":{"app":"nodeapp"}}: field is immutable'
    ]


def test_other_fields_of_a_deployment_can_change() -> None:
    after = deployment(replicas=5, template=template(terminationGracePeriodSeconds=5))
    assert errors_of(after, deployment()) == []


def test_a_valid_replica_set_is_accepted() -> None:
    assert errors_of(replica_set(replicas=3)) == []


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"replicas": -1}, "spec.replicas: Invalid value: -1"),
        ({"minReadySeconds": -1}, "spec.minReadySeconds: Invalid value: -1"),
        ({"selector": None}, "spec.selector: Required value"),
    ],
)
def test_invalid_replica_sets_are_refused(spec: Object, problem: str) -> None:
    assert errors_of(replica_set(**spec))[0].startswith(problem)


def test_a_pod_of_ten_thousand_containers_is_refused_in_one_sentence() -> None:
    many = [container(name=f"c{number}") for number in range(10_000)]
    assert errors_of(pod(containers=many)) == [
        "spec.containers: Too many: 10000: must have at most 50 items"
    ]


def test_a_surge_of_thousands_of_digits_is_refused() -> None:
    surge = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "9" * 5_000 + "%"}}
    assert errors_of(deployment(strategy=surge))[0].endswith(
        "must be less than or equal to 2147483647%"
    )


def test_a_response_names_at_most_a_hundred_errors() -> None:
    ports = [{"containerPort": 0}] * 1_000
    assert len(errors_of(pod(containers=[container(ports=ports)]))) == 100
