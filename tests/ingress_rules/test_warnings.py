"""Warnings about Ingresses."""

from __future__ import annotations

import pytest

from canarylab.ingress_rules.annotations import PREFIX
from canarylab.ingress_rules.ingress_spec import INGRESS_CONTROLLER, class_problems
from canarylab.ingress_rules.routing import ingress_request, route_request
from canarylab.ingress_rules.warnings import IngressWarning, class_warning
from canarylab.kube_objects import Object
from tests.ingress_rules.ingress_objects import built, canary, ingress

OLD = ingress("old", ("/", "prod"), age_s=9)


def only(*ingresses: Object) -> IngressWarning:
    (warning,) = built(*ingresses).warnings
    return warning


def test_ingresses_without_fault_are_not_warned_of() -> None:
    assert built(OLD, canary("new", ("/", "canary"), canary_weight="10")).warnings == ()


def test_the_younger_of_two_that_claim_a_path_is_warned() -> None:
    warning = only(OLD, ingress("young", ("/", "other")))
    assert (warning.ingress.name, warning.reason) == ("young", "AlreadyClaimed")
    assert "The older Ingress lab/old has a rule for foo.bar.com/ too" in warning.message


def test_one_ingress_may_repeat_itself() -> None:
    assert built(ingress("one", ("/", "prod"), ("/", "prod"))).warnings == ()


def test_a_service_that_does_not_exist_is_named() -> None:
    warning = only(ingress("one", ("/", "missing")))
    assert warning.reason == "ServiceNotFound"
    assert "Service lab/missing does not exist" in warning.message


def test_a_port_that_does_not_exist_is_named() -> None:
    wrong = ingress("one", ("/", "prod"))
    path = wrong["spec"]["rules"][0]["http"]["paths"][0]
    path["backend"]["service"]["port"] = {"name": "http"}
    assert (only(wrong).reason, "no port http" in only(wrong).message) == ("PortNotFound", True)


def test_a_service_without_endpoints_is_named() -> None:
    (warning,) = built(ingress("one", ("/", "prod")), services=()).warnings
    assert warning.reason == "ServiceNotFound"


def test_a_path_that_is_no_regular_expression_is_told_with_the_reason() -> None:
    warning = only(OLD, ingress("young", ("/(", "other"), use_regex="true"))
    assert (warning.ingress.name, warning.reason) == ("young", "BadPath")
    assert "missing ): ^/(" in warning.message


def test_brackets_are_just_letters_where_paths_are_no_regular_expressions() -> None:
    assert built(ingress("one", ("/(", "prod"))).warnings == ()


@pytest.mark.parametrize(
    ("annotations", "words"),
    [
        ({"canary_weight": "150"}, "canary-weight 150 is more than the total of 100"),
        ({"canary_weight": "-5"}, "canary-weight -5 is below 0"),
        ({"canary_weight": "ten"}, "canary-weight 'ten' is no whole number"),
        (
            {"canary_weight": "10", "canary_weight_total": "50"},
            "canary-weight-total 50 is below 100",
        ),
    ],
)
def test_a_weight_that_cannot_be_meant_is_told(annotations: dict[str, str], words: str) -> None:
    warning = only(OLD, canary("new", ("/", "canary"), **annotations))
    assert (warning.reason, words in warning.message) == ("BadWeight", True)


def test_the_second_canary_of_a_rule_is_warned() -> None:
    first = canary("first", ("/", "canary"), age_s=5)
    warning = only(OLD, first, canary("second", ("/", "other")))
    assert (warning.ingress.name, warning.reason) == ("second", "SecondCanary")


FIRST = canary("first", ("/", "canary"), age_s=5, canary_weight="10")


@pytest.mark.parametrize(
    ("annotations", "without_effect"),
    [
        ({"canary_weight": "0"}, "the weight of this canary has no effect"),
        ({"canary_by_header": "X"}, "the header of this canary has no effect"),
        ({"canary_by_cookie": "x"}, "the cookie of this canary has no effect"),
        (
            {"canary_weight": "20", "canary_by_header": "X"},
            "the weight and the header of this canary have no effect",
        ),
    ],
)
def test_a_canary_whose_service_has_the_policy_of_another_is_warned(
    annotations: dict[str, str], without_effect: str
) -> None:
    second = canary("second", ("/", "canary"), **annotations)
    warning = only(OLD, FIRST, second)
    assert (warning.ingress.name, warning.reason) == ("second", "SecondPolicy")
    assert f"Ingress lab/first, which decides which requests it gets, so {without_effect}" in (
        warning.message
    )
    assert built(OLD, FIRST, second).table == built(OLD, FIRST).table


def test_the_younger_canary_decides_if_the_service_is_its_default_backend() -> None:
    old = ingress("old", ("/", "prod"), age_s=9)
    second = canary("second", ("/", "canary"), canary_weight="20")
    for stored in (old, second):
        (path,) = stored["spec"]["rules"][0]["http"]["paths"]
        stored["spec"]["defaultBackend"] = path["backend"]
    warning = only(old, FIRST, second)
    assert (warning.ingress.name, warning.reason) == ("first", "SecondPolicy")
    assert "the canary of Ingress lab/second" in warning.message


def test_two_canaries_of_a_service_with_the_same_policy_are_not_warned() -> None:
    assert built(OLD, FIRST, canary("second", ("/", "canary"), canary_weight="10")).warnings == ()


def test_a_canary_of_nothing_is_warned() -> None:
    warning = only(OLD, canary("new", ("/new", "canary")))
    assert warning.reason == "NoPrimary"
    assert warning.message.startswith(
        "No other Ingress has a rule for foo.bar.com/new of this pathType, so the canary "
        "canary:80 gets no requests at all, whatever their host and path."
    )


def test_a_canary_whose_service_serves_a_rule_too_is_warned() -> None:
    warning = only(
        ingress("old", ("/", "prod"), ("/x", "canary"), age_s=9), canary("new", ("/", "canary"))
    )
    assert (warning.ingress.name, warning.reason) == ("new", "ServiceIsPrimary")
    assert "so the weight of this canary has no effect" in warning.message


def test_a_rule_whose_service_is_a_canary_is_warned() -> None:
    first = canary("first", ("/", "canary"), age_s=5)
    warning = only(OLD, first, ingress("preview", ("/preview", "canary")))
    assert (warning.ingress.name, warning.reason) == ("preview", "ServiceIsCanary")


def test_a_canary_without_endpoints_is_told_to_be_ignored_as_routing_ignores_it() -> None:
    new = canary("new", ("/", "missing"), canary_by_header="X-Canary")
    warning = only(OLD, new)
    assert (warning.ingress.name, warning.reason) == ("new", "ServiceNotFound")
    assert "this canary is ignored, and production answers" in warning.message
    request = ingress_request("foo.bar.com", "/", {"X-Canary": "always"})
    shares = route_request(built(OLD, new).table, request).shares()
    assert {backend.service.name: share for backend, share in shares.items()} == {"prod": 1.0}


def test_canary_annotations_that_do_nothing_are_told() -> None:
    warning = only(ingress("one", ("/", "prod"), canary_weight="10"))
    assert warning.reason == "CanaryNotEnabled"
    assert "canary-weight has no effect without canary" in warning.message


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("canary-wieght", "canary-weight"),
        ("canary-by-haeder", "canary-by-header"),
        ("rewrite-tagret", "rewrite-target"),
        ("session-cookies-name", "session-cookie-name"),
    ],
)
def test_a_misspelled_annotation_is_told_with_the_one_that_is_meant(wrong: str, meant: str) -> None:
    one = ingress("one", ("/", "prod"))
    one["metadata"]["annotations"] = {PREFIX + wrong: "1"}
    warning = only(one)
    assert warning.reason == "NotServed"
    assert f"{wrong} (did you mean {meant}?)" in warning.message


@pytest.mark.parametrize("target", ["/a b", "/a?b=1", "/${1}", "/\r\nX-Evil: 1", "/ä", "a b"])
def test_a_rewrite_target_with_other_characters_is_told_and_ignored(target: str) -> None:
    """As ingress-nginx does since 1.12, and Traefik: RegexPathWithCapture in validators.go."""
    result = built(ingress("one", ("/a", "prod"), rewrite_target=target))

    assert [each.reason for each in result.warnings] == ["BadRewriteTarget"]
    assert {each.rewrite_target for each in result.table.servers["foo.bar.com"].locations} == {""}


def test_a_pattern_that_is_no_regular_expression_is_told() -> None:
    wrong = canary("new", ("/", "canary"), canary_by_header="X", canary_by_header_pattern="(")
    assert only(OLD, wrong).reason == "BadPattern"


def test_annotations_that_are_not_served_are_told() -> None:
    closed = ingress("one", ("/", "prod"), auth_type="basic", whitelist_source_range="192.0.2.0/24")
    warning = only(closed)
    assert warning.reason == "NotServed"
    for name in ("auth-type", "whitelist-source-range"):
        assert f"nginx.ingress.kubernetes.io/{name}" in warning.message


def test_tls_that_is_not_served_is_told() -> None:
    encrypted = ingress("one", ("/", "prod"))
    encrypted["spec"]["tls"] = [{"hosts": ["foo.bar.com"], "secretName": "cert"}]
    warning = only(encrypted)
    assert (warning.reason, "spec.tls" in warning.message) == ("NotServed", True)


@pytest.mark.parametrize("place", ["path", "default"])
def test_a_backend_that_is_no_service_is_told(place: str) -> None:
    stored = ingress("one", ("/", "prod"), ("/static", "prod"))
    bucket = {"resource": {"kind": "Bucket", "name": "static"}}
    if place == "path":
        stored["spec"]["rules"][0]["http"]["paths"][1]["backend"] = bucket
    else:
        stored["spec"]["defaultBackend"] = bucket
    warning = only(stored)
    named = "foo.bar.com/static" if place == "path" else "spec.defaultBackend"
    assert f"the resource backend of {named}" in warning.message


def test_a_canary_is_told_what_it_takes_from_its_primary() -> None:
    warning = only(OLD, canary("new", ("/", "canary"), rewrite_target="/"))
    assert warning.reason == "OnCanary"
    assert "Without effect on a canary: rewrite-target" in warning.message


@pytest.mark.parametrize(
    ("annotations", "words"),
    [
        (
            {"canary_weight": "10", "canary_by_header_value": "x"},
            "canary-by-header-value, because there is no canary-by-header",
        ),
        (
            {
                "canary_by_header": "X",
                "canary_by_header_value": "x",
                "canary_by_header_pattern": "y",
            },
            "canary-by-header-pattern, because there is canary-by-header-value",
        ),
    ],
)
def test_an_annotation_that_another_one_disables_is_told(
    annotations: dict[str, str], words: str
) -> None:
    warning = only(OLD, canary("new", ("/", "canary"), **annotations))
    assert (warning.reason, words in warning.message) == ("Incomplete", True)


@pytest.mark.parametrize(
    ("header", "words"),
    [("x_canary", "only the header x-canary reaches"), ("x.canary", "never reaches the canary")],
)
def test_a_header_that_nginx_drops_is_told(header: str, words: str) -> None:
    warning = only(OLD, canary("new", ("/", "canary"), canary_by_header=header))
    assert (warning.reason, words in warning.message) == ("HeaderName", True)


def test_a_canary_that_nothing_chooses_is_told() -> None:
    assert only(OLD, ingress("new", ("/", "canary"), canary="true")).reason == "NoChoice"


def with_hosts(stored: Object, *hosts: str) -> Object:
    """The same rule for each of these hosts."""
    (entry,) = stored["spec"]["rules"]
    stored["spec"]["rules"] = [{**entry, "host": host} for host in hosts]
    return stored


def test_a_canary_for_a_host_that_is_not_served_is_told_and_keeps_its_other_hosts() -> None:
    both = with_hosts(canary("new", ("/", "canary")), "new.bar.com", "foo.bar.com")
    result = built(OLD, both)
    assert [each.reason for each in result.warnings] == ["NoPrimary"]
    assert "No other Ingress has rules for Host new.bar.com" in result.warnings[0].message
    assert any(each.canary for each in result.table.upstreams.values())


def test_a_canary_that_serves_a_host_without_rules_is_not_told_that_it_gets_nothing() -> None:
    shared = ingress("old", ("/x", "canary"), age_s=9)
    result = built(shared, with_hosts(canary("new", ("/", "canary")), "new.bar.com"))
    found = route_request(result.table, ingress_request("new.bar.com", "/"))
    assert found.primary is not None
    assert found.primary.backend.service.name == "canary"
    assert [each.reason for each in result.warnings] == ["ServiceIsPrimary"]


def test_a_canary_for_a_path_that_is_not_served_is_lost_everywhere_and_each_loss_is_told() -> None:
    result = built(OLD, canary("new", ("/", "canary"), ("/new", "canary"), ("/old", "canary")))
    assert [each.reason for each in result.warnings] == [
        "NoPrimary",
        "CanaryRemoved",
        "CanaryRemoved",
    ]
    assert "canary for foo.bar.com/new" in result.warnings[1].message


def test_a_canary_where_there_is_no_other_ingress_is_told() -> None:
    assert only(canary("new", ("/", "canary"))).reason == "NoPrimary"


NGINX_CLASS: Object = {"metadata": {"name": "nginx"}, "spec": {"controller": INGRESS_CONTROLLER}}
OTHER_CLASS: Object = {"metadata": {"name": "other"}, "spec": {"controller": "example.com/other"}}


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        (None, "NoIngressClass"),
        ("missing", "IngressClassNotFound"),
        ("other", "IngressClassNotServed"),
    ],
)
def test_a_class_that_nobody_serves_is_told(named: str | None, reason: str) -> None:
    stored = ingress("one", ("/", "prod"))
    stored["spec"]["ingressClassName"] = named
    (problem,) = class_problems([stored], [NGINX_CLASS, OTHER_CLASS])
    warning = class_warning(problem)
    assert warning.reason == reason
    assert "ingressClassName: nginx" in warning.message


def test_the_class_of_this_controller_is_not_warned_of() -> None:
    by_annotation = ingress("one", ("/", "prod"))
    del by_annotation["spec"]["ingressClassName"]
    by_annotation["metadata"]["annotations"]["kubernetes.io/ingress.class"] = "nginx"
    assert list(class_problems([OLD, by_annotation], [NGINX_CLASS])) == []


def test_what_is_right_is_served_whatever_is_wrong() -> None:
    table = built(OLD, ingress("young", ("/(", "other"), use_regex="true")).table
    assert [location.path for location in table.servers["foo.bar.com"].locations] == ["/"]


def test_every_message_says_what_happened_and_what_to_try() -> None:
    wrong = [
        ingress("a", ("/", "missing"), ("/", "prod")),
        canary("b", ("/new", "other"), canary_weight="200"),
        ingress("c", ("/c", "prod"), canary_weight="1", auth_type="basic", use_regex="on"),
        canary("d", ("/d", "third"), ("/e", "third"), rewrite_target="/", canary_by_header="a_b"),
        canary("e", ("/c", "canary")),
        canary("f", ("/c", "canary"), canary_by_header="X"),
        canary("g", ("/c", "prod")),
    ]
    for warning in built(*wrong).warnings:
        assert warning.message.count(". ") == 1
        assert warning.message.endswith(".")
