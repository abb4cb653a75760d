"""Validation of containers."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.kube_objects import Object
from tests.playground.apiserver.documents import (
    container,
    deployment,
    errors_of,
    pod,
    template,
)

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
        {"resources": {"limits": {"example.com/gpu": "1", "hugepages-2Mi": "0", "cpu": "1"}}},
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
            {"ports": [{"containerPort": 1, "name": "a_1"}]},
            [
                'ports[0].name: Invalid value: "a_1": must contain only alpha-numeric characters '
                "(a-z, 0-9), and hyphens (-)"
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
EXEC = {"exec": {"command": ["true"]}}
BOTH = "Bidirectional"
ID = "Invalid value: -1: must be between 0 and 2147483647, inclusive"


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


NOT_NEGATIVE = "must be greater than or equal to 0"
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
        *(
            ({**ANSWERS, name: -1}, [f".{name}: Invalid value: -1: {NOT_NEGATIVE}"])
            for name in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds")
        ),
        (
            {**ANSWERS, "failureThreshold": -1, "successThreshold": -1},
            [
                f".successThreshold: Invalid value: -1: {NOT_NEGATIVE}",
                f".failureThreshold: Invalid value: -1: {NOT_NEGATIVE}",
                ".successThreshold: Invalid value: -1: must be 1",
            ],
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


@pytest.mark.parametrize("group", ["containers", "initContainers"])
def test_a_pod_of_ten_thousand_containers_is_refused_in_one_sentence(group: str) -> None:
    many = [container(name=f"c{number}") for number in range(10_000)]
    assert errors_of(pod(**{group: many})) == [
        f"spec.{group}: Too many: 10000: must have at most 50 items"
    ]


IN_INIT = "may not be set for init containers without restartPolicy=Always"


def about_init(spec: Object, **fields: Any) -> list[str]:
    """What is expected about a pod whose init container has these fields."""
    first = {"name": "first", "image": "node_app:1.0", **fields}
    found = errors_of(pod(initContainers=[first], **spec))
    return [sentence.removeprefix("spec.initContainers[0].") for sentence in found]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "b"}]},
        {"restartPolicy": "OnFailure"},
        {"restartPolicy": "Always", "readinessProbe": ANSWERS, "lifecycle": {"preStop": EXEC}},
        {"resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}]},
    ],
)
def test_valid_init_containers_are_accepted(fields: Object) -> None:
    assert about_init({}, **fields) == []


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({"name": ""}, ["name: Required value"]),
        ({"name": "nodeapp"}, ['name: Duplicate value: "nodeapp"']),
        ({"image": ""}, ["image: Required value"]),
        (
            {"image": "node_app:1.0 "},
            ['image: Invalid value: "node_app:1.0 ": must not have leading or trailing whitespace'],
        ),
        ({"ports": [{}]}, ["ports[0].containerPort: Required value"]),
        (
            {"ports": [{"containerPort": 80, "hostPort": 80}] * 2},
            ['ports[1].hostPort: Duplicate value: "TCP//80"'],
        ),
        ({"env": [{}]}, ["env[0].name: Required value"]),
        (
            {"volumeMounts": [{"name": "a", "mountPath": "/a"}]},
            ['volumeMounts[0].name: Not found: "a"'],
        ),
        (
            {"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}},
            [
                'resources.requests: Invalid value: "2": must be less than or equal to cpu limit '
                "of 1"
            ],
        ),
        ({"securityContext": {"runAsUser": -1}}, [f"securityContext.runAsUser: {ID}"]),
        (
            {"restartPolicy": "Maybe"},
            [
                'restartPolicy: Unsupported value: "Maybe": supported values: "Always", "Never", '
                '"OnFailure"'
            ],
        ),
        (
            {
                "lifecycle": {"preStop": EXEC},
                "startupProbe": ANSWERS,
                "readinessProbe": ANSWERS,
                "livenessProbe": ANSWERS,
            },
            [
                f"lifecycle: Forbidden: {IN_INIT}",
                f"livenessProbe: Forbidden: {IN_INIT}",
                f"readinessProbe: Forbidden: {IN_INIT}",
                f"startupProbe: Forbidden: {IN_INIT}",
            ],
        ),
        (
            {"restartPolicy": "Always", "lifecycle": {"preStop": {}}, "startupProbe": {}},
            [
                "lifecycle.preStop: Required value: must specify a handler type",
                "startupProbe: Required value: must specify a handler type",
            ],
        ),
        (
            {"resizePolicy": [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]},
            [
                'resizePolicy[0].restartPolicy: Invalid value: "RestartContainer": must not be '
                "set to 'RestartContainer' for non-sidecar initContainers"
            ],
        ),
    ],
)
def test_invalid_init_containers_are_refused(fields: Object, problems: list[str]) -> None:
    assert about_init({}, **fields) == problems


def test_names_of_init_containers_are_unique() -> None:
    twice = {"initContainers": [container(name="first"), container(name="first")]}
    assert errors_of(deployment(template=template(**twice))) == [
        'spec.template.spec.initContainers[1].name: Duplicate value: "first"'
    ]


def go_security(**fields: str) -> str:
    """A security context as an error shows it."""
    names = (
        "Capabilities", "Privileged", "SELinuxOptions", "WindowsOptions", "RunAsUser",
        "RunAsGroup", "RunAsNonRoot", "ReadOnlyRootFilesystem", "AllowPrivilegeEscalation",
        "ProcMount", "SeccompProfile", "AppArmorProfile",
    )  # fmt: skip
    return "{" + ",".join(f'"{name}":{fields.get(name, "null")}' for name in names) + "}"


NO_ESCALATION: Object = {"allowPrivilegeEscalation": False}
GPU = "example.com/gpu"
NO_LIMIT = "Limit must be set for non overcommitable resources"
RULE = {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}


@pytest.mark.parametrize(
    "fields",
    [
        {"securityContext": {"privileged": True, "runAsUser": 0, "procMount": "Default"}},
        {"securityContext": {**NO_ESCALATION, "capabilities": {"drop": ["ALL"], "add": ["KILL"]}}},
        {"resources": {"limits": {GPU: "1"}, "requests": {GPU: "1"}}},
        {"resources": {"limits": {"hugepages-2Mi": "4Mi"}, "requests": {"cpu": "1"}}},
        {"resources": {"requests": {"kubernetes.io/batch": "1"}}},
        {"resizePolicy": [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]},
        {"restartPolicy": "Never", "restartPolicyRules": [RULE]},
        {
            "ports": [
                {"containerPort": 1, "hostPort": 80},
                {"containerPort": 2, "hostPort": 80, "protocol": "UDP"},
                {"containerPort": 3, "hostPort": 80, "hostIP": "10.0.0.1"},
            ]
        },
        {
            "volumeMounts": [{"name": "here", "mountPath": "/a", "mountPropagation": BOTH}],
            "securityContext": {"privileged": True},
        },
    ],
)
def test_valid_fields_without_effect_are_accepted(fields: Object) -> None:
    assert about(**fields) == []


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        (
            {"securityContext": {"runAsUser": -1, "runAsGroup": -1}},
            [f"securityContext.runAsUser: {ID}", f"securityContext.runAsGroup: {ID}"],
        ),
        (
            {"securityContext": {**NO_ESCALATION, "privileged": True}},
            [
                "securityContext: Invalid value: "
                + go_security(Privileged="true", AllowPrivilegeEscalation="false")
                + ": cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            ],
        ),
        (
            {"securityContext": {**NO_ESCALATION, "capabilities": {"add": ["CAP_SYS_ADMIN"]}}},
            [
                "securityContext: Invalid value: "
                + go_security(
                    Capabilities='{"Add":["CAP_SYS_ADMIN"],"Drop":null}',
                    AllowPrivilegeEscalation="false",
                )
                + ": cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` "
                "CAP_SYS_ADMIN"
            ],
        ),
        (
            {"securityContext": {"procMount": "All"}},
            [
                'securityContext.procMount: Unsupported value: "All": supported values: '
                '"Default", "Unmasked"'
            ],
        ),
        (
            {"securityContext": {"procMount": "Unmasked"}},
            [
                'securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false '
                "to use `Unmasked`"
            ],
        ),
        (
            {"securityContext": {"seccompProfile": {}, "appArmorProfile": {}}},
            [
                "securityContext.seccompProfile.type: Required value: type is required when "
                "seccompProfile is set",
                "securityContext.appArmorProfile.type: Required value: type is required when "
                "appArmorProfile is set",
            ],
        ),
        (
            {"resources": {"requests": {GPU: "1"}}},
            [f"resources.limits: Required value: {NO_LIMIT}"],
        ),
        (
            {"resources": {"limits": {GPU: "2"}, "requests": {GPU: "1"}}},
            [f'resources.requests: Invalid value: "1": must be equal to {GPU} limit of 2'],
        ),
        (
            {"resources": {"limits": {GPU: "1500m"}}},
            [
                f'resources.{part}[{GPU}]: Invalid value: "1500m": must be an integer'
                for part in ("limits", "requests")
            ],
        ),
        (
            {"resources": {"limits": {"hugepages-2Mi": "2Mi"}}},
            ["resources: Forbidden: HugePages require cpu or memory"],
        ),
        (
            {"resources": {"claims": [{"name": "gpu"}, {}]}},
            [
                'resources.claims[0]: Not found: "gpu": must be one of the names in '
                "pod.spec.resourceClaims which is empty",
                "resources.claims[1]: Required value",
            ],
        ),
        (
            {
                "resizePolicy": [
                    {"resourceName": "cpu", "restartPolicy": "Never"},
                    {"resourceName": "cpu", "restartPolicy": "NotRequired"},
                    {"resourceName": "gpu"},
                ]
            },
            [
                'resizePolicy: Unsupported value: "Never": supported values: "NotRequired", '
                '"RestartContainer"',
                'resizePolicy[1]: Duplicate value: "cpu"',
                'resizePolicy: Unsupported value: "gpu": supported values: "cpu", "memory"',
                "resizePolicy: Required value",
            ],
        ),
        (
            {"restartPolicyRules": [RULE]},
            [
                "restartPolicy: Required value: must specify restartPolicy when restart rules are "
                "used"
            ],
        ),
        (
            {
                "restartPolicy": "Never",
                "restartPolicyRules": [
                    {"action": "Stop"},
                    {**RULE, "exitCodes": {"operator": "Is", "values": [1] * 256}},
                ],
            },
            [
                'restartPolicyRules[0].action: Unsupported value: "Stop": supported values: '
                '"Restart", "RestartAllContainers"',
                "restartPolicyRules[0].exitCodes: Required value: must be specified",
                'restartPolicyRules[1].exitCodes.operator: Unsupported value: "Is": supported '
                'values: "In", "NotIn"',
                "restartPolicyRules[1].exitCodes.values: Too many: 256: must have at most 255 "
                "items",
            ],
        ),
        (
            {"restartPolicy": "Never", "restartPolicyRules": [RULE] * 21},
            ["restartPolicyRules: Too many: 21: must have at most 20 items"],
        ),
        (
            {"ports": [{"containerPort": 1, "hostPort": 80}, {"containerPort": 2, "hostPort": 80}]},
            ['ports[1].hostPort: Duplicate value: "TCP//80"'],
        ),
        (
            {"volumeMounts": [{"name": "here", "mountPath": "/a", "mountPropagation": BOTH}]},
            [
                "volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is "
                "available only to privileged containers"
            ],
        ),
        (
            {"volumeDevices": [{"name": "here", "devicePath": "/dev/a/../b"}, {"name": "there"}]},
            [
                'volumeDevices[0].name: Invalid value: "here": can only use volume source type of '
                "PersistentVolumeClaim or Ephemeral for block mode",
                'volumeDevices[0].devicePath: Invalid value: "/dev/a/../b": can not contain '
                "backsteps ('..')",
                'volumeDevices[1].name: Not found: "there"',
                "volumeDevices[1].devicePath: Required value",
            ],
        ),
    ],
)
def test_invalid_fields_without_effect_are_refused(fields: Object, problems: list[str]) -> None:
    assert about(**fields) == problems


def test_two_containers_cannot_have_one_port_of_the_node() -> None:
    ports = [{"containerPort": 80, "hostPort": 80}]
    two = [container(ports=ports), container(name="side", ports=ports)]
    assert errors_of(pod(containers=two)) == [
        'spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"'
    ]


def test_a_container_uses_each_claim_of_its_pod_once() -> None:
    claims = [{"name": "b", "resourceClaimName": "b"}, {"name": "a", "resourceClaimName": "a"}]
    used = [
        {"name": "a", "request": "x"},
        {"name": "a", "request": "x"},
        {"name": "a"},
        {"name": "c"},
        {"name": "b", "request": "x.y"},
    ]
    user = container(resources={"claims": used})
    assert errors_of(pod(resourceClaims=claims, containers=[user])) == [
        f'{FIRST}resources.claims[1]: Duplicate value: "a/x"',
        f'{FIRST}resources.claims[2]: Duplicate value: "a"',
        f'{FIRST}resources.claims[3]: Not found: "c": must be one of the names in '
        "pod.spec.resourceClaims: a, b",
        f'{FIRST}resources.claims[4].request: Invalid value: "x.y": must not contain dots',
    ]


def test_a_pod_that_is_never_restarted_is_not_restarted_for_a_resize() -> None:
    resized = container(resizePolicy=[{"resourceName": "cpu", "restartPolicy": "RestartContainer"}])
    assert errors_of(pod(restartPolicy="Never", containers=[resized])) == [
        f"{FIRST}resizePolicy: Invalid value: \"RestartContainer\": must be 'NotRequired' when "
        "pod `restartPolicy` is 'Never'"
    ]


def test_a_volume_is_mounted_or_a_device() -> None:
    both = container(
        volumeMounts=[{"name": "disk", "mountPath": "/disk"}],
        volumeDevices=[{"name": "disk", "devicePath": "/disk"}] * 2,
    )
    volume = {"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}}
    again = "must not already exist"
    of_device = [
        f'devicePath: Invalid value: "/disk": {again} as a path in volumeMounts',
        f'name: Invalid value: "disk": {again} in volumeMounts',
    ]
    expected = [
        f'{FIRST}volumeMounts[0].mountPath: Invalid value: "/disk": {again} as a path in '
        "volumeDevices",
        f'{FIRST}volumeMounts[0].name: Invalid value: "disk": {again} in volumeDevices',
        *(f"{FIRST}volumeDevices[{index}].{each}" for index in (0, 1) for each in of_device),
        f'{FIRST}volumeDevices[1].devicePath: Invalid value: "/disk": must be unique',
        f'{FIRST}volumeDevices[1].name: Invalid value: "disk": must be unique',
    ]
    assert sorted(errors_of(pod(volumes=[volume], containers=[both]))) == sorted(expected)
