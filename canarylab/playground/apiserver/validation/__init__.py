"""Validation of objects, kind by kind, with the messages of Kubernetes.

Each kind has a function that yields causes in the order in which Kubernetes finds them. Kinds with
few rules are validated in this module.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType

from canarylab.errors import Cause
from canarylab.kube_objects import Object
from canarylab.playground.apiserver.decode import json_type
from canarylab.playground.apiserver.field_errors import (
    check_unchanged,
    forbidden,
    invalid,
    invalid_for_each,
    required,
    too_long,
    unsupported,
)
from canarylab.playground.apiserver.schema import STRUCTURAL_SCHEMAS, structural
from canarylab.playground.apiserver.validation import names, networking, pods, scaling
from canarylab.playground.kube.kinds import KINDS, RBAC_GROUP

MAX_CONFIG_MAP_BYTES = 1024 * 1024  # all values of one ConfigMap or Secret together

MAX_CAUSES = 100
"""Errors that one response names; each shows the value that it is about."""
_IMMUTABLE = "field is immutable when `immutable` is set"
_ACCOUNT_NAME = "kubernetes.io/service-account.name"
_DOCKER_KEYS = {"dockercfg": ".dockercfg", "dockerconfigjson": ".dockerconfigjson"}
_HEAD = frozenset({"apiVersion", "kind", "metadata"})
_REASONS_THAT_STOP_RULES = frozenset(
    {
        "FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)  # fmt: skip
"""If there is an error with one of these reasons, the CEL rules are not evaluated."""
_NOT_CHECKED = invalid(
    "<nil>",
    None,
    "some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation",
)


def validate(obj: Object, old: Object | None) -> list[Cause]:
    """The first 100 errors of an object with its defaults; `old` is the object it replaces.

    >>> validate({"kind": "Namespace", "metadata": {"name": "lab"}}, None)
    []
    """
    found = VALIDATORS[obj["kind"]]({**obj, "metadata": obj.get("metadata", {})}, old)
    if old is not None:
        # An older canarylab may have stored what is refused by now: it can be deleted all the same.
        unchanged = tuple(_unchanged(obj, old))
        found = (cause for cause in found if not cause.field.startswith(unchanged))
    return list(islice(found, MAX_CAUSES))


def _unchanged(obj: Object, old: Object) -> Iterator[str]:
    """The parts of an object that are as they were."""
    if obj.get("spec") == old.get("spec"):
        yield "spec"
    meta, before = obj.get("metadata", {}), old.get("metadata", {})
    for name in ("ownerReferences", "finalizers"):
        if meta.get(name) == before.get(name):
            yield f"metadata.{name}"


def validate_config_map(config_map: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of a ConfigMap, or of its update."""
    yield from names.validate_metadata(
        config_map["metadata"], names.dns_subdomain_problems, namespaced=True
    )
    texts, bytes_ = config_map.get("data", {}), config_map.get("binaryData", {})
    for section, entries in (("data", texts), ("binaryData", bytes_)):
        for key in sorted(entries):
            yield from invalid_for_each(
                f"{section}[{key}]", key, names.config_map_key_problems(key)
            )
    for key in sorted(texts.keys() & bytes_.keys()):
        yield invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
    if sum(len(value.encode()) for value in texts.values()) > MAX_CONFIG_MAP_BYTES:
        yield too_long("", MAX_CONFIG_MAP_BYTES)
    yield from _immutable_data(config_map, old)


def validate_secret(secret: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of a Secret, or of its update; the message of a wrong value does not show it."""
    meta = secret["metadata"]
    yield from names.validate_metadata(meta, names.dns_subdomain_problems, namespaced=True)
    if old is not None:
        yield from check_unchanged("type", secret.get("type", ""), old.get("type", ""))
    yield from _immutable_data(secret, old)
    entries = {key: base64.b64decode(text) for key, text in secret.get("data", {}).items()}
    for key in sorted(entries):
        yield from invalid_for_each(f"data[{key}]", key, names.config_map_key_problems(key))
    if sum(map(len, entries.values())) > MAX_CONFIG_MAP_BYTES:
        yield too_long("data", MAX_CONFIG_MAP_BYTES)
    yield from _secret_type(secret.get("type", ""), meta.get("annotations", {}), entries)


def _secret_type(
    type_: str, annotations: Mapping[str, str], entries: Mapping[str, bytes]
) -> Iterator[Cause]:
    """Errors of the entries that a type requires; types of one's own require none."""
    name = type_.removeprefix("kubernetes.io/")
    if name == type_:
        return
    if name == "service-account-token" and not annotations.get(_ACCOUNT_NAME):
        yield required(f"metadata.annotations[{_ACCOUNT_NAME}]")
    elif name == "basic-auth" and not {"username", "password"} & entries.keys():
        yield from (required(f"data[%s][{key}]") for key in ("username", "password"))
    elif name == "ssh-auth" and not entries.get("ssh-privatekey"):
        yield required("data[%s][ssh-privatekey]")
    elif name == "tls":
        yield from (
            required(f"data[{key}]") for key in ("tls.crt", "tls.key") if key not in entries
        )
    elif (key := _DOCKER_KEYS.get(name)) and key not in entries:
        yield required(f"data[{key}]")
    elif key and (problem := _json_problem(entries[key])):
        yield invalid(f"data[{key}]", "<secret contents redacted>", problem)


def _json_problem(data: bytes) -> str | None:
    """Why the bytes are not a JSON object, as Go says it for the usual mistakes."""
    try:
        found = json.loads(data)
    except RecursionError:
        return "exceeded max depth"
    except ValueError as error:
        at = error.pos if isinstance(error, json.JSONDecodeError) else 0
        if not data[at:].strip():
            return "unexpected end of JSON input"
        return f"invalid character {chr(data[at])!r} looking for beginning of value"
    if isinstance(found, dict) or found is None:
        return None
    return (
        f"json: cannot unmarshal {json_type(found)} into Go value of type map[string]interface {{}}"
    )


def validate_namespace(namespace: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of a Namespace."""
    yield from names.validate_metadata(
        namespace["metadata"], names.dns_label_problems, namespaced=False
    )
    for index, name in enumerate(namespace.get("spec", {}).get("finalizers", [])):
        field = "spec.finalizers" if old is None else f"spec.finalizers[{index}]"
        yield from invalid_for_each(field, name, names.qualified_name_problems(name))
        yield from names.validate_standard_finalizer(field, name)


def validate_service_account(account: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of a ServiceAccount."""
    yield from names.validate_metadata(
        account["metadata"], names.dns_subdomain_problems, namespaced=True
    )


def validate_role(role: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of a Role or ClusterRole."""
    namespaced = KINDS[role["kind"]].namespaced
    yield from names.validate_metadata(
        role["metadata"], names.path_segment_problems, namespaced=namespaced
    )
    for index, rule in enumerate(role.get("rules") or []):
        field, urls = f"rules[{index}]", rule.get("nonResourceURLs")
        if not rule.get("verbs"):
            yield required(f"{field}.verbs", "verbs must contain at least one value")
        if urls and namespaced:
            problem = "namespaced rules cannot apply to non-resource URLs"
            yield invalid(f"{field}.nonResourceURLs", urls, problem)
        if urls:
            continue
        for name, item in (("apiGroups", "api group"), ("resources", "resource")):
            if not rule.get(name):
                yield required(f"{field}.{name}", f"resource rules must supply at least one {item}")


def validate_role_binding(binding: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of a RoleBinding or ClusterRoleBinding, or of its update."""
    namespaced = KINDS[binding["kind"]].namespaced
    yield from names.validate_metadata(
        binding["metadata"], names.path_segment_problems, namespaced=namespaced
    )
    role, kinds = binding["roleRef"], ["Role", "ClusterRole"] if namespaced else ["ClusterRole"]
    if role["apiGroup"] != RBAC_GROUP:
        yield unsupported("roleRef.apiGroup", role["apiGroup"], [RBAC_GROUP])
    if role.get("kind") not in kinds:
        yield unsupported("roleRef.kind", role.get("kind", ""), kinds)
    if not role.get("name"):
        yield required("roleRef.name")
    for index, subject in enumerate(binding.get("subjects", [])):
        yield from _subject(f"subjects[{index}]", subject)
    if old is not None and role != old["roleRef"]:
        yield invalid("roleRef", role, "cannot change roleRef")


def _subject(field: str, subject: Object) -> Iterator[Cause]:
    kind = subject.get("kind", "")
    if not subject.get("name"):
        yield required(f"{field}.name")
    if kind not in ("ServiceAccount", "User", "Group"):
        yield unsupported(f"{field}.kind", kind, ["ServiceAccount", "User", "Group"])
    elif kind == "ServiceAccount" and not subject.get("namespace"):
        yield required(f"{field}.namespace")
    group = "" if kind == "ServiceAccount" else RBAC_GROUP
    if subject.get("apiGroup", "") != group:
        yield unsupported(f"{field}.apiGroup", subject.get("apiGroup", ""), [group])


def validate_node(node: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of a Node."""
    yield from names.validate_metadata(
        node["metadata"], names.dns_subdomain_problems, namespaced=False
    )


def validate_event(event: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of an Event, which is in the namespace of its object."""
    yield from names.validate_metadata(
        event["metadata"], names.dns_subdomain_problems, namespaced=True, any_finalizer=True
    )
    object_namespace = event.get("involvedObject", {}).get("namespace", "")
    namespace = event["metadata"].get("namespace", "")
    if object_namespace and namespace and object_namespace != namespace:
        yield invalid(
            "involvedObject.namespace", object_namespace, "does not match event.namespace"
        )


def validate_custom(obj: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of an object of a custom kind, or of its update."""
    kind = KINDS[obj["kind"]]
    schema, body = STRUCTURAL_SCHEMAS[kind.kind], _body(obj)
    found = [
        *names.validate_metadata(
            obj["metadata"],
            names.dns_subdomain_problems,
            namespaced=kind.namespaced,
            any_finalizer=True,
        ),
        *structural.type_errors(schema, body),
        *structural.duplicate_errors(schema, body),
    ]
    yield from found
    if any(cause.reason in _REASONS_THAT_STOP_RULES for cause in found):
        yield _NOT_CHECKED
    else:
        yield from structural.rule_errors(schema, body, None if old is None else _body(old))


def _body(obj: Object) -> Object:
    return {name: value for name, value in obj.items() if name not in _HEAD}


def _immutable_data(obj: Object, old: Object | None) -> Iterator[Cause]:
    if old is None or not old.get("immutable"):
        return
    for field in ("immutable", "data", "binaryData"):
        if obj.get(field) != old.get(field):
            yield forbidden(field, _IMMUTABLE)


VALIDATORS: Mapping[str, Callable[[Object, Object | None], Iterator[Cause]]] = MappingProxyType(
    {
        "ConfigMap": validate_config_map,
        "ClusterRole": validate_role,
        "ClusterRoleBinding": validate_role_binding,
        "Deployment": pods.validate_deployment,
        "Endpoints": networking.validate_endpoints,
        "EndpointSlice": networking.validate_endpoint_slice,
        "Event": validate_event,
        "Gateway": validate_custom,
        "GatewayClass": validate_custom,
        "HTTPRoute": validate_custom,
        "ReferenceGrant": validate_custom,
        "HorizontalPodAutoscaler": scaling.validate_autoscaler,
        "Ingress": networking.validate_ingress,
        "IngressClass": networking.validate_ingress_class,
        "Job": pods.validate_job,
        "Namespace": validate_namespace,
        "Node": validate_node,
        "Pod": pods.validate_pod,
        "PodDisruptionBudget": scaling.validate_disruption_budget,
        "ReplicaSet": pods.validate_replica_set,
        "Role": validate_role,
        "RoleBinding": validate_role_binding,
        "ServiceAccount": validate_service_account,
        "Secret": validate_secret,
        "Service": networking.validate_service,
    }
)
