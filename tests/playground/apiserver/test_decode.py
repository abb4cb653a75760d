"""Decoding of documents."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.errors import BadRequestError
from canarylab.kube_objects import Object
from canarylab.playground.apiserver.decode import (
    DecodeErrors,
    WrongTypeError,
    decode,
    json_type,
    read_scalar,
    read_structure,
    zero_value,
)
from canarylab.playground.kube.kinds import KINDS
from tests.playground.apiserver.documents import (
    container,
    deployment,
    deployment_of,
    gateway,
    http_route,
    rule,
    template,
    weighted,
)

DEPLOYMENT = KINDS["Deployment"]
CANNOT = 'Deployment in version "v1" cannot be handled as a Deployment: '


def refusal(document: object, kind: str = "Deployment", **how: Any) -> str:
    with pytest.raises(BadRequestError) as caught:
        decode(KINDS[kind], document, **how)
    return str(caught.value)


def kept(document: Object) -> Any:
    return decode(KINDS[document["kind"]], document).obj


def first_container(document: Object) -> Any:
    return kept(document)["spec"]["template"]["spec"]["containers"][0]


def test_a_valid_document_is_unchanged() -> None:
    assert kept(deployment(replicas=3)) == deployment(replicas=3)


def test_decoding_does_not_change_the_document() -> None:
    document = deployment(replicas=None, replica=4)
    decode(DEPLOYMENT, document)
    assert document == deployment(replicas=None, replica=4)


def test_kind_and_version_may_be_left_out() -> None:
    assert decode(DEPLOYMENT, {"metadata": {"name": "a"}}).obj == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a"},
    }


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"kind": "Pod", "apiVersion": "v1"},
            'Pod in version "v1" cannot be handled as a Deployment: '
            "converting (v1.Pod) to (apps.Deployment): unknown conversion",
        ),
        (
            {"kind": "Canary", "apiVersion": "apps/v1"},
            'Canary in version "v1" cannot be handled as a Deployment: '
            'no kind "Canary" is registered for version "apps/v1"',
        ),
        (
            {"kind": "Deployment", "apiVersion": "apps/v9"},
            'Deployment in version "v9" cannot be handled as a Deployment: '
            'no kind "Deployment" is registered for version "apps/v9"',
        ),
    ],
)
def test_another_kind_or_version_is_refused(document: Object, expected: str) -> None:
    assert refusal(document) == expected


@pytest.mark.parametrize("document", [[], "text", 3, None, True])
def test_a_document_is_a_map(document: object) -> None:
    expected = "the object provided is unrecognized (must be of type Deployment): "
    assert refusal(document).startswith(expected)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            deployment(replicas="three"),
            "json: cannot unmarshal string into Go struct field "
            "DeploymentSpec.spec.replicas of type int32",
        ),
        (
            deployment(replicas=1.5),
            "json: cannot unmarshal number 1.5 into Go struct field "
            "DeploymentSpec.spec.replicas of type int32",
        ),
        (
            deployment_of(env=[{"name": "PORT", "value": 3333}]),
            "json: cannot unmarshal number into Go struct field "
            "EnvVar.spec.template.spec.containers.env.value of type string",
        ),
        (
            deployment_of(ports={"containerPort": 3333}),
            "json: cannot unmarshal object into Go struct field "
            "Container.spec.template.spec.containers.ports of type []v1.ContainerPort",
        ),
        (
            deployment_of(imagePullPolicy=True),
            "json: cannot unmarshal bool into Go struct field "
            "Container.spec.template.spec.containers.imagePullPolicy of type v1.PullPolicy",
        ),
        (
            deployment(template=[]),
            "json: cannot unmarshal array into Go struct field "
            "DeploymentSpec.spec.template of type v1.PodTemplateSpec",
        ),
        (
            deployment(template=template(containers=["nodeapp"])),
            "json: cannot unmarshal string into Go struct field "
            "PodSpec.spec.template.spec.containers of type v1.Container",
        ),
        (
            {"metadata": {"name": "a", "labels": {"version": 2}}},
            "json: cannot unmarshal number into Go struct field "
            "ObjectMeta.metadata.labels of type string",
        ),
        (
            {"metadata": {"name": "a", "labels": ["a"]}},
            "json: cannot unmarshal array into Go struct field "
            "ObjectMeta.metadata.labels of type map[string]string",
        ),
    ],
)
def test_a_wrong_type_is_refused_as_go_does_it(document: Object, expected: str) -> None:
    assert refusal(document) == CANNOT + expected


def test_only_the_first_wrong_type_is_reported() -> None:
    assert "spec.replicas" in refusal(deployment(replicas="a", paused="b"))


TYPO = {**deployment(replica=4), "spce": {}}


def test_unknown_fields_are_dropped_and_warned_of() -> None:
    decoded = decode(DEPLOYMENT, TYPO)
    assert decoded.obj == deployment()
    assert decoded.warnings == ['unknown field "spec.replica"', 'unknown field "spce"']


def test_unknown_fields_are_dropped_without_warning_if_ignored() -> None:
    assert decode(DEPLOYMENT, TYPO, validation="Ignore") == (deployment(), [])


def test_unknown_fields_are_refused_if_strict() -> None:
    assert refusal(TYPO, validation="Strict") == (
        CANNOT + 'strict decoding error: unknown field "spec.replica", unknown field "spce"'
    )


def test_an_unknown_field_is_named_with_the_index_of_its_item() -> None:
    document = deployment(template=template(containers=[container(), container(imagee="a")]))
    path = "spec.template.spec.containers[1].imagee"
    assert decode(DEPLOYMENT, document).warnings == [f'unknown field "{path}"']


def test_a_wrong_type_is_reported_before_unknown_fields() -> None:
    assert "strict" not in refusal(deployment(replica=4, replicas="a"), validation="Strict")


def test_null_is_absent() -> None:
    assert kept(deployment(replicas=None, strategy=None)) == deployment()


def test_a_label_of_null_is_empty() -> None:
    obj = kept({**deployment(), "metadata": {"name": "a", "labels": {"canary": None}}})
    assert obj["metadata"]["labels"] == {"canary": ""}


@pytest.mark.parametrize(
    "nothing", [{"minReadySeconds": 0}, {"paused": False}, {"template": template(volumes=[])}]
)
def test_empty_values_are_omitted_as_in_go(nothing: Object) -> None:
    assert kept(deployment(**nothing)) == deployment()


@pytest.mark.parametrize(
    "expected",
    [
        {"replicas": 0},
        {"revisionHistoryLimit": 0},
        {"strategy": {}},
        {"selector": {}},
        {"template": template(containers=[])},
        {"template": template(securityContext={})},
    ],
)
def test_empty_values_of_pointers_are_kept(expected: Object) -> None:
    assert kept(deployment(**expected)) == deployment(**expected)


def test_a_variable_without_value_keeps_its_name() -> None:
    assert first_container(deployment_of(env=[{"name": "A", "value": ""}]))["env"] == [
        {"name": "A"}
    ]


def test_a_value_in_a_config_map_may_be_empty() -> None:
    document = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {}, "data": {"colour": ""}}
    assert kept(document) == document


def test_quantities_are_stored_in_canonical_form() -> None:
    limits = {"cpu": 0.5, "memory": "1024Mi"}
    resources = first_container(deployment_of(resources={"limits": limits}))["resources"]
    assert resources == {"limits": {"cpu": "500m", "memory": "1Gi"}}


def test_absent_required_fields_are_zero() -> None:
    assert first_container(deployment_of(env=[{"value": "x"}]))["env"] == [
        {"name": "", "value": "x"}
    ]


def test_null_in_a_list_is_an_empty_item() -> None:
    assert first_container(deployment_of(env=[None], args=[None])) == container(
        env=[{"name": ""}], args=[""]
    )


def test_an_object_without_metadata_gets_some() -> None:
    assert kept({**deployment(), "metadata": None})["metadata"] == {}


@pytest.mark.parametrize("port", [3333, "http"])
def test_a_port_is_a_number_or_a_name(port: int | str) -> None:
    document = {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": {},
        "spec": {"ports": [{"port": 80, "targetPort": port}]},
    }
    assert kept(document) == document


def test_managed_fields_are_not_checked() -> None:
    entry = {"manager": "kubectl", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    document = {**deployment(), "metadata": {"name": "a", "managedFields": [entry]}}
    assert kept(document) == document


SPEC = "io.k8s.api.apps.v1.DeploymentSpec"
CONTAINER = "io.k8s.api.core.v1.Container"


@pytest.mark.parametrize(
    ("structure", "document", "expected"),
    [
        (SPEC, {"replicas": "x"}, "unrecognized type: int32"),
        (SPEC, {"replicas": True}, "unrecognized type: int32"),
        (SPEC, {"replicas": 1.5}, "cannot convert float64 to int32"),
        (SPEC, {"paused": "x"}, "unrecognized type: bool"),
        (SPEC, {"template": "x"}, "cannot restore struct from: string"),
        (CONTAINER, {"image": 1}, "cannot convert int64 to string"),
        (CONTAINER, {"image": {}}, "unrecognized type: string"),
        (CONTAINER, {"imagePullPolicy": {}}, "unrecognized type: string"),
        (CONTAINER, {"args": "x"}, "cannot restore slice from string"),
    ],
)
def test_a_wrong_type_after_a_strategic_merge_patch_has_another_message(
    structure: str, document: dict[str, Any], expected: str
) -> None:
    errors = DecodeErrors(from_patch=True)
    read_structure(structure, document, errors)
    assert errors.first_error == expected


def test_a_valid_structure_has_no_errors() -> None:
    errors = DecodeErrors()
    read_structure(SPEC, {"replicas": 3}, errors)
    assert errors == DecodeErrors()


def test_unknown_fields_have_their_full_path() -> None:
    errors = DecodeErrors()
    read_structure(CONTAINER, {"ports": [{"port": 1}]}, errors, "spec.containers[0]")
    assert errors.unknown_fields == ["spec.containers[0].ports[0].port"]


INT32 = {"type": "integer", "format": "int32"}
INT64 = {"type": "integer", "format": "int64"}
TIME = {"type": "string", "format": "date-time"}


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        ({"type": "string"}, 1),
        ({"type": "string"}, True),
        ({"type": "boolean"}, "yes"),
        ({"type": "boolean"}, 1),
        (INT32, "3"),
        (INT32, 1.5),
        (INT32, True),
        (INT32, 2**31),
        (INT64, 2**63),
    ],
)
def test_a_value_of_another_type_raises_wrong_type_error(shape: dict[str, Any], value: Any) -> None:
    with pytest.raises(WrongTypeError):
        read_scalar(shape, value)


@pytest.mark.parametrize("number", [0, -1, 2**31 - 1, -(2**31)])
def test_a_number_that_fits_is_kept(number: int) -> None:
    assert read_scalar(INT32, number) == number


def test_an_int64_may_have_64_bits() -> None:
    assert read_scalar(INT64, 2**40) == 2**40


@pytest.mark.parametrize("value", [3333, "http", "25%"])
def test_an_int_or_string_is_either(value: int | str) -> None:
    assert read_scalar({"format": "int-or-string"}, value) == value


@pytest.mark.parametrize(
    ("shape", "value", "problem"),
    [
        (
            {"format": "int-or-string"},
            True,
            "json: cannot unmarshal bool into Go value of type int32",
        ),
        (
            {"format": "int-or-string"},
            1.5,
            "json: cannot unmarshal number 1.5 into Go value of type int32",
        ),
        (
            {"format": "quantity"},
            "much",
            "quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        (
            TIME,
            "noon",
            'parsing time "noon" as "2006-01-02T15:04:05Z07:00": cannot parse "noon" as "2006"',
        ),
        (TIME, 12, "json: cannot unmarshal number into Go value of type string"),
        ({"type": "string", "format": "byte"}, "?", "illegal base64 data at input byte 0"),
    ],
)
def test_unreadable_values_are_reported_in_the_words_of_go(
    shape: dict[str, Any], value: Any, problem: str
) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        read_scalar(shape, value)
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2026-11-22T21:42:09Z", "2026-11-22T21:42:09Z"),
        ("2026-11-22T22:42:09+01:00", "2026-11-22T21:42:09Z"),
        ("2026-11-22T21:42:09.000001Z", "2026-11-22T21:42:09.000001Z"),
    ],
)
def test_times_are_kept_in_utc(given: str, kept: str) -> None:
    assert read_scalar(TIME, given) == kept


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        ({}, "object"),
        ([], "array"),
        ("", "string"),
        (False, "bool"),
        (1, "number"),
        (0.5, "number 0.5"),
    ],
)
def test_types_have_the_names_of_go(value: Any, name: str) -> None:
    assert json_type(value) == name


@pytest.mark.parametrize(
    ("shape", "nothing"),
    [
        ({"type": "string"}, ""),
        (INT32, 0),
        ({"type": "boolean"}, False),
        ({"format": "quantity"}, "0"),
        ({"format": "int-or-string"}, 0),
        (TIME, None),
        ({"type": "array", "items": {"type": "string"}}, None),
    ],
)
def test_most_types_have_a_zero(shape: dict[str, Any], nothing: Any) -> None:
    assert zero_value(shape) == nothing


ROUTE = KINDS["HTTPRoute"]


def test_known_fields_of_a_custom_kind_are_kept() -> None:
    assert decode(ROUTE, http_route(), validation="Strict").obj == http_route()


def test_an_unknown_field_of_a_custom_kind_is_dropped_with_a_warning() -> None:
    decoded = decode(ROUTE, http_route(rule(backendRefs=[weighted(wait=1)])))
    assert decoded.obj == http_route()
    assert decoded.warnings == ['unknown field "spec.rules[0].backendRefs[0].wait"']


def test_every_unknown_field_of_a_custom_kind_is_named() -> None:
    document = {**http_route(hosts=[]), "speck": 1, "metadata": {"name": "a", "lable": "b"}}
    with pytest.raises(BadRequestError) as refused:
        decode(ROUTE, document, validation="Strict")
    assert str(refused.value) == (
        'HTTPRoute in version "v1" cannot be handled as a HTTPRoute: strict decoding error: '
        'unknown field "metadata.lable", unknown field "spec.hosts", unknown field "speck"'
    )


def test_null_in_a_custom_kind_is_absent() -> None:
    assert decode(ROUTE, http_route(hostnames=None)).obj["spec"].get("hostnames") is None


@pytest.mark.parametrize("wrong", ["ten", 1.5, [], {"a": 1}])
def test_a_value_of_another_type_is_kept_for_validation(wrong: Any) -> None:
    [made] = decode(ROUTE, http_route(rule(backendRefs=wrong))).obj["spec"]["rules"]
    assert made["backendRefs"] == wrong


def test_a_map_may_have_any_key() -> None:
    labels = {"labels": {"team": "lab"}}
    read = decode(KINDS["Gateway"], gateway(infrastructure=labels), validation="Strict").obj
    assert read["spec"]["infrastructure"] == labels


def test_metadata_of_custom_kinds_is_read_as_of_built_in_kinds() -> None:
    with pytest.raises(BadRequestError, match="cannot unmarshal number into Go struct field"):
        decode(ROUTE, {**http_route(), "metadata": {"name": 1}})


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "2026-13-45T99:00:00Z"])
def test_a_time_that_no_calendar_has_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="parsing time"):
        read_scalar({"type": "string", "format": "date-time"}, text)


@pytest.mark.parametrize(
    ("text", "byte"),
    [("plain text", 5), ("YWJ", 0), ("YWJjZ", 4), ("YQ=", 3), ("Y===", 1), ("YQ==YQ==", 4)],
)
def test_text_that_is_not_base64_is_refused_where_go_refuses_it(text: str, byte: int) -> None:
    document = {"kind": "Secret", "apiVersion": "v1", "metadata": {}, "data": {"token": text}}
    with pytest.raises(BadRequestError, match=f"illegal base64 data at input byte {byte}$"):
        decode(KINDS["Secret"], document)


def test_line_breaks_in_base64_are_not_stored() -> None:
    document = {"kind": "Secret", "metadata": {}, "data": {"token": "YWJj\nMTIz\n"}}
    assert decode(KINDS["Secret"], document).obj["data"] == {"token": "YWJjMTIz"}
