"""Validation of pods, Deployments and ReplicaSets; of their containers: `test_containers.py`."""

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

NOT_ON_LINUX = "Forbidden: windows options cannot be set for a linux pod"


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


PART = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
SEARCH = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' "
    "or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex "
    "used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*"
    "[a-z0-9])?)*')"
)
ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
ID = "Invalid value: -1: must be between 0 and 2147483647, inclusive"
PROFILES = 'supported values: "Localhost", "RuntimeDefault", "Unconfined"'
ONE_CLAIM = {"name": "gpu", "resourceClaimName": "gpu"}
NO_CLAIM = '{"Name":"gpu","ResourceClaimName":null,"ResourceClaimTemplateName":null}'
TWO_CLAIMS = '{"Name":"gpu","ResourceClaimName":"gpu","ResourceClaimTemplateName":"gpu"}'


@pytest.mark.parametrize(
    "spec",
    [
        {
            "securityContext": {
                "runAsUser": 0,
                "runAsGroup": 2**31 - 1,
                "fsGroup": 1000,
                "fsGroupChangePolicy": "OnRootMismatch",
                "supplementalGroups": [0, 5],
                "supplementalGroupsPolicy": "Strict",
                "seLinuxChangePolicy": "Recursive",
                "seccompProfile": {"type": "Localhost", "localhostProfile": "a/b.json"},
                "appArmorProfile": {"type": "Localhost", "localhostProfile": "/any"},
                "sysctls": [{"name": "net.core.somaxconn"}, {"name": "kernel/shm_rmid_forced"}],
            }
        },
        {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}},
        {"hostAliases": [{"ip": "::1", "hostnames": ["a", "b.example.com"]}, {"ip": "10.0.0.1"}]},
        {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["1.1.1.1"]}},
        {"dnsConfig": {"searches": [".", "example.com.", "_tcp.a_b"], "options": [{"name": "a"}]}},
        {"readinessGates": [{"conditionType": "example.com/open"}]},
        {"schedulingGates": [{"name": "example.com/wait"}]},
        {"hostname": "a", "subdomain": "b", "setHostnameAsFQDN": True, "enableServiceLinks": False},
        {"hostnameOverride": "a.example.com"},
        {"priorityClassName": "high", "runtimeClassName": "gvisor", "preemptionPolicy": "Never"},
        {"overhead": {"cpu": "250m"}, "os": {"name": "linux"}, "imagePullSecrets": [{"name": "a"}]},
        {"resourceClaims": [ONE_CLAIM, {"name": "other", "resourceClaimTemplateName": "gpu"}]},
        {"hostNetwork": True, "containers": [container(ports=[{"containerPort": 80}])]},
        {"hostUsers": False, "shareProcessNamespace": True},
        {"os": {"name": "linux"}, "hostPID": True, "securityContext": {"runAsUser": 1}},
        {"os": {"name": "windows"}, "securityContext": {"windowsOptions": {}}},
    ],
)
def test_valid_fields_without_effect_are_accepted(spec: Object) -> None:
    assert errors_of(pod(**spec)) == []


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ({"runAsUser": -1}, [f"runAsUser: {ID}"]),
        ({"runAsGroup": -1}, [f"runAsGroup: {ID}"]),
        ({"fsGroup": -1}, [f"fsGroup: {ID}"]),
        ({"supplementalGroups": [1, -1]}, [f"supplementalGroups[1]: {ID}"]),
        (
            {"fsGroupChangePolicy": "Never"},
            [
                'fsGroupChangePolicy: Unsupported value: "Never": supported values: "Always", '
                '"OnRootMismatch"'
            ],
        ),
        (
            {"supplementalGroupsPolicy": "Add", "seLinuxChangePolicy": "Mount"},
            [
                'supplementalGroupsPolicy: Unsupported value: "Add": supported values: "Merge", '
                '"Strict"',
                'seLinuxChangePolicy: Unsupported value: "Mount": supported values: '
                '"MountOption", "Recursive"',
            ],
        ),
        (
            {"seccompProfile": {"localhostProfile": "a"}},
            [
                "seccompProfile.type: Required value: type is required when seccompProfile is set",
                'seccompProfile.localhostProfile: Invalid value: {"Type":"",'
                '"LocalhostProfile":"a"}: can only be set when seccomp type is Localhost',
            ],
        ),
        (
            {"seccompProfile": {"type": "None"}},
            [f'seccompProfile.type: Unsupported value: "None": {PROFILES}'],
        ),
        (
            {"seccompProfile": {"type": "Localhost"}},
            [
                "seccompProfile.localhostProfile: Required value: must be set when seccomp type "
                "is Localhost"
            ],
        ),
        (
            {"seccompProfile": {"type": "Localhost", "localhostProfile": "/a"}},
            ['seccompProfile.localhostProfile: Invalid value: "/a": must be a relative path'],
        ),
        (
            {"appArmorProfile": {"type": "None", "localhostProfile": "a"}},
            [f'appArmorProfile.type: Unsupported value: "None": {PROFILES}'],
        ),
        (
            {"appArmorProfile": {"type": "Unconfined", "localhostProfile": "a"}},
            [
                'appArmorProfile.localhostProfile: Invalid value: "a": can only be set when '
                "AppArmor type is Localhost"
            ],
        ),
        (
            {"sysctls": [{"name": "a"}, {}, {"name": "A"}, {"name": "a"}]},
            [
                "sysctls[1].name: Required value",
                'sysctls[2].name: Invalid value: "A": must have at most 253 characters and match '
                r"regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$",
                'sysctls[3].name: Duplicate value: "a"',
            ],
        ),
    ],
)
def test_the_security_of_a_pod_is_checked(spec: Object, problems: list[str]) -> None:
    expected = [f"spec.securityContext.{problem}" for problem in problems]
    assert errors_of(pod(securityContext=spec)) == expected


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        (
            {"nodeSelector": {"a b": "c"}},
            [f'nodeSelector: Invalid value: "a b": name part {PART}'],
        ),
        (
            {"hostPID": True, "shareProcessNamespace": True},
            [
                "securityContext.shareProcessNamespace: Invalid value: true: "
                "ShareProcessNamespace and HostPID cannot both be enabled"
            ],
        ),
        (
            {"dnsPolicy": "None"},
            ["dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
        ),
        (
            {"dnsPolicy": "None", "dnsConfig": {"options": [{}]}},
            [
                "dnsConfig.nameservers: Required value: must provide at least one DNS nameserver "
                "when `dnsPolicy` is None"
            ],
        ),
        (
            {"dnsConfig": {"nameservers": ["1.1.1.1", "a", "1.1.1.1", "1.1.1.1"]}},
            [
                'dnsConfig.nameservers: Invalid value: ["1.1.1.1","a","1.1.1.1","1.1.1.1"]: must '
                "not have more than 3 nameservers",
                f'dnsConfig.nameservers[1]: Invalid value: "a": {ADDRESS}',
            ],
        ),
        (
            {"dnsConfig": {"searches": ["A."], "options": [{"name": "a"}, {"value": "1"}]}},
            [
                f'dnsConfig.searches[0]: Invalid value: "A": {SEARCH}',
                "dnsConfig.options[1]: Required value: must not be empty",
            ],
        ),
        ({"dnsConfig": {"searches": ["a"] * 33}}, ["dnsConfig.searches: *search paths"]),
        (
            {"dnsConfig": {"searches": [f"{'a' * 240}.com"] * 9}},
            [
                "dnsConfig.searches: *must not have more than 2048 characters (including spaces) "
                "in the search list"
            ],
        ),
        (
            {"readinessGates": [{"conditionType": "a b"}]},
            [f'readinessGates[0].conditionType: Invalid value: "a b": name part {PART}'],
        ),
        (
            {"schedulingGates": [{"name": "a"}, {"name": "a"}, {"name": "a b"}]},
            [
                'schedulingGates[1]: Duplicate value: "a"',
                f'schedulingGates[2]: Invalid value: "a b": name part {PART}',
            ],
        ),
        (
            {"schedulingGates": [{"name": "a"}], "nodeName": "node"},
            ["nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"],
        ),
        (
            {"hostUsers": False, "hostNetwork": True, "hostPID": True, "hostIPC": True},
            [
                "hostNetwork: Forbidden: when `hostUsers` is false",
                "HostPID: Forbidden: when `hostUsers` is false",
                "HostIPC: Forbidden: when `hostUsers` is false",
            ],
        ),
        (
            {"hostnameOverride": "A" * 65, "setHostnameAsFQDN": True, "hostNetwork": True},
            [
                "hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true",
                "hostnameOverride: Forbidden: may not be specified when hostNetwork is true",
                "hostnameOverride: Too long: may not be more than 64 bytes",
                f'hostnameOverride: Invalid value: "{"A" * 65}": {SUBDOMAIN}',
            ],
        ),
        (
            {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["a"]}},
            [f'dnsConfig.nameservers[0]: Invalid value: "a": {ADDRESS}'],
        ),
        ({"serviceAccountName": "A"}, [f'serviceAccountName: Invalid value: "A": {SUBDOMAIN}']),
        ({"nodeName": "A"}, [f'nodeName: Invalid value: "A": {SUBDOMAIN}']),
        ({"hostname": "A"}, [f'hostname: Invalid value: "A": {LABEL}']),
        ({"subdomain": "a.b"}, ['subdomain: Invalid value: "a.b": must not contain dots']),
        (
            {"hostAliases": [{"hostnames": ["A"]}, {"ip": "10.0.0.256"}]},
            [
                f'hostAliases[0].ip: Invalid value: "": {ADDRESS}',
                f'hostAliases[0].hostnames[0]: Invalid value: "A": {SUBDOMAIN}',
                f'hostAliases[1].ip: Invalid value: "10.0.0.256": {ADDRESS}',
            ],
        ),
        ({"priorityClassName": "A"}, [f'priorityClassName: Invalid value: "A": {SUBDOMAIN}']),
        ({"runtimeClassName": "A"}, [f'runtimeClassName: Invalid value: "A": {SUBDOMAIN}']),
        (
            {"preemptionPolicy": "Always"},
            [
                'preemptionPolicy: Unsupported value: "Always": supported values: '
                '"PreemptLowerPriority", "Never"'
            ],
        ),
        (
            {"overhead": {"cpu": "-1"}},
            ['overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
        ),
        (
            {"os": {"name": "macos"}},
            ['os: Unsupported value: "macos": supported values: "linux", "windows"'],
        ),
        ({"os": {}}, ["os.name: Required value"]),
        (
            {"resourceClaims": [ONE_CLAIM, {"name": "gpu"}, {"resourceClaimName": "A"}]},
            [
                'resourceClaims[1].name: Duplicate value: "gpu"',
                f"resourceClaims[1]: Invalid value: {NO_CLAIM}: must specify one of: "
                "`resourceClaimName`, `resourceClaimTemplateName`",
                "resourceClaims[2].name: Required value",
                f'resourceClaims[2].resourceClaimName: Invalid value: "A": {SUBDOMAIN}',
            ],
        ),
        (
            {"resourceClaims": [{**ONE_CLAIM, "resourceClaimTemplateName": "gpu"}]},
            [
                f"resourceClaims[0]: Invalid value: {TWO_CLAIMS}: at most one of "
                "`resourceClaimName` or `resourceClaimTemplateName` may be specified"
            ],
        ),
        (
            {
                "hostNetwork": True,
                "containers": [container(ports=[{"containerPort": 80, "hostPort": 8080}])],
            },
            [
                "containers[0].ports[0].hostPort: Invalid value: 8080: must match `containerPort` "
                "when `hostNetwork` is true"
            ],
        ),
        (
            {
                "os": {"name": "linux"},
                "securityContext": {"windowsOptions": {}},
                "containers": [container(securityContext={"windowsOptions": {}})],
            },
            [
                f"securityContext.windowsOptions: {NOT_ON_LINUX}",
                f"containers[0].securityContext.windowsOptions: {NOT_ON_LINUX}",
            ],
        ),
        (
            {
                "os": {"name": "windows"},
                "hostUsers": True,
                "hostPID": True,
                "hostIPC": True,
                "shareProcessNamespace": False,
                "securityContext": {
                    "fsGroup": 1,
                    "fsGroupChangePolicy": "Always",
                    "runAsGroup": 1,
                    "runAsNonRoot": True,
                    "runAsUser": 1,
                    "seccompProfile": {"type": "RuntimeDefault"},
                    "supplementalGroups": [1],
                },
                "initContainers": [container(name="a", securityContext={"privileged": False})],
                "containers": [
                    container(securityContext={"capabilities": {}, "readOnlyRootFilesystem": True})
                ],
            },
            [
                f"{name}: Forbidden: cannot be set for a windows pod"
                for name in (
                    "hostUsers",
                    "hostPID",
                    "hostIPC",
                    "securityContext.seccompProfile",
                    "securityContext.fsGroup",
                    "securityContext.fsGroupChangePolicy",
                    "shareProcessNamespace",
                    "securityContext.runAsUser",
                    "securityContext.runAsGroup",
                    "securityContext.supplementalGroups",
                    "initContainers[0].securityContext.privileged",
                    "containers[0].securityContext.capabilities",
                    "containers[0].securityContext.readOnlyRootFilesystem",
                )
            ],
        ),
    ],
)
def test_invalid_fields_without_effect_are_refused(spec: Object, problems: list[str]) -> None:
    found = errors_of(pod(**spec))
    assert len(found) == len(problems)
    for sentence, problem in zip(found, problems, strict=True):
        start, _, end = f"spec.{problem}".partition("*")
        assert sentence.startswith(start)
        assert sentence.endswith(end or start)


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


def test_a_surge_of_thousands_of_digits_is_refused() -> None:
    surge = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "9" * 5_000 + "%"}}
    assert errors_of(deployment(strategy=surge))[0].endswith(
        "must be less than or equal to 2147483647%"
    )


def test_a_response_names_at_most_a_hundred_errors() -> None:
    ports = [{"containerPort": 0}] * 1_000
    assert len(errors_of(pod(containers=[container(ports=ports)]))) == 100
