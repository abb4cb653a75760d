"""Warnings about Ingresses: what has no effect or is left out, and how to correct it.

None of it stops the ingress: the rest is served. ingress-nginx writes the same things to its log
or refuses them in its webhook; the playground records them as events, for `kubectl describe`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from canarylab.ingress_rules.ingress_spec import (
    Backend,
    BackendProblem,
    CanaryPolicy,
    IngressSpec,
    RulePath,
    backend_problem,
)
from canarylab.ingress_rules.paths import pattern_error
from canarylab.kube_objects import EndpointIndex, Key


class IngressWarning(NamedTuple):
    """One warning."""

    ingress: Key
    reason: str
    """The reason of the event."""
    message: str


def annotation_warnings(specs: Iterable[IngressSpec]) -> Iterator[IngressWarning]:
    """Warnings about annotations without effect, or with another one than expected."""
    for spec in specs:
        yield from _weight_warnings(spec)
        policy = spec.annotations.canary or CanaryPolicy()
        if problem := pattern_error(policy.header_pattern):
            yield _bad_header_pattern(spec.key, policy.header_pattern, problem)
        if spec.annotations.ignored_rewrite:
            yield _bad_rewrite_target(spec.key, spec.annotations.ignored_rewrite)
        if spec.annotations.ignored_canary:
            yield _canary_not_enabled(spec.key, spec.annotations.ignored_canary)


def backend_warnings(
    specs: Iterable[IngressSpec], endpoints: EndpointIndex
) -> Iterator[IngressWarning]:
    """Warnings about backends without endpoints."""
    for spec in specs:
        for backend in (spec.default, *(path.backend for path in spec.paths)):
            if backend is not None and (problem := backend_problem(backend, endpoints)):
                yield _no_endpoints(spec.key, backend, problem)


def already_claimed(ingress: Key, path: RulePath, holder: Key) -> IngressWarning:
    """Two Ingresses have the same rule; the oldest has precedence."""
    return IngressWarning(
        ingress,
        "AlreadyClaimed",
        f"The older Ingress {_name(holder)} has a rule for {path} too, and only that rule is used. "
        "Choose another host or path, or delete one of the two rules.",
    )


def bad_path(ingress: Key, path: RulePath, problem: str) -> IngressWarning:
    """The whole Ingress is left out, as ingress-nginx's webhook refuses a whole Ingress."""
    return IngressWarning(
        ingress,
        "BadPath",
        f"{path} is not a regular expression of RE2 ({problem}), and all paths of this host are "
        "regular expressions, so the whole Ingress is left out. Correct the path; lookaround, back "
        "references and repetitions over 1,000 are not supported.",
    )


def no_primary(ingress: Key, path: RulePath) -> IngressWarning:
    """A canary without a rule to share."""
    return IngressWarning(
        ingress,
        "NoPrimary",
        f"No other Ingress serves {path} with this pathType, so this canary gets no request. "
        "Give it the same host, path and pathType as the rule whose requests it should get.",
    )


def second_canary(ingress: Key, path: RulePath, first: Backend) -> IngressWarning:
    """At most one canary for a rule."""
    return IngressWarning(
        ingress,
        "SecondCanary",
        f"{path} already has the canary {first}, and a rule can have only one, so this canary gets "
        "no requests. Delete one of the two.",
    )


def service_is_canary(ingress: Key, path: RulePath, backend: Backend) -> IngressWarning:
    """An older canary Ingress has the Service."""
    return IngressWarning(
        ingress,
        "ServiceIsCanary",
        f"{backend} is already the canary of an older Ingress, so the rule for {path} is left "
        "out. Use a separate Service for one of the two.",
    )


def service_is_primary(ingress: Key, backend: Backend) -> IngressWarning:
    """An older Ingress has the Service, and so weight and headers have no effect."""
    return IngressWarning(
        ingress,
        "ServiceIsPrimary",
        f"{backend} is also the backend of an older Ingress, so the weight and the header of "
        "this canary have no effect. Use a separate Service for the canary.",
    )


def _weight_warnings(spec: IngressSpec) -> Iterator[IngressWarning]:
    policy = spec.annotations.canary
    for name, value in spec.annotations.unparsable_weights:
        yield _bad_weight(spec.key, f"{name} {value!r} is no whole number", "it is ignored")
    if (small := spec.annotations.ignored_total) is not None:
        yield _bad_weight(spec.key, f"canary-weight-total {small} is below 100", "the total is 100")
    if policy is None:
        return
    if policy.weight > policy.total:
        yield _bad_weight(
            spec.key,
            f"canary-weight {policy.weight} is more than the total of {policy.total}",
            "every request goes to the canary",
        )
    if policy.weight < 0:
        yield _bad_weight(spec.key, f"canary-weight {policy.weight} is below 0", "it counts as 0")


def _bad_weight(ingress: Key, problem: str, consequence: str) -> IngressWarning:
    message = f"{problem}, so {consequence}. Choose a weight from 0 to the total."
    return IngressWarning(ingress, "BadWeight", message)


def _bad_header_pattern(ingress: Key, pattern: str, problem: str) -> IngressWarning:
    return IngressWarning(
        ingress,
        "BadPattern",
        f"canary-by-header-pattern {pattern!r} is not a regular expression of RE2 ({problem}), "
        "so a request with that header never reaches the canary. Correct the pattern; lookaround, "
        "back references and repetitions over 1,000 are not supported.",
    )


def _canary_not_enabled(ingress: Key, names: Iterable[str]) -> IngressWarning:
    return IngressWarning(
        ingress,
        "CanaryNotEnabled",
        f'{", ".join(names)} has no effect without canary: "true", so this Ingress is not a '
        'canary. Add the annotation nginx.ingress.kubernetes.io/canary: "true".',
    )


def _bad_rewrite_target(ingress: Key, target: str) -> IngressWarning:
    return IngressWarning(
        ingress,
        "BadRewriteTarget",
        f"rewrite-target {target!r} has characters that it may not have, so it is ignored. Use "
        "letters, digits and the characters - . _ ~ / : $ only.",
    )


def problem_and_remedy(backend: Backend, problem: BackendProblem) -> tuple[str, str]:
    """Why a backend has no endpoints, and what to try.

    >>> problem_and_remedy(Backend(Key("default", "web"), "80"), "ServiceNotFound")[0]
    'Service default/web does not exist'
    """
    service = f"Service {_name(backend.service)}"
    return {
        "ServiceNotFound": (f"{service} does not exist", "Create it, or name another Service."),
        "PortNotFound": (
            f"{service} has no port {backend.port}",
            "Name one of its ports by number or by name.",
        ),
        "NoEndpoints": (
            f"{service} has no ready endpoints",
            "Check its selector, and whether its pods are ready.",
        ),
    }[problem]


def _no_endpoints(ingress: Key, backend: Backend, problem: BackendProblem) -> IngressWarning:
    """A backend without endpoints; requests to it get 503."""
    why, remedy = problem_and_remedy(backend, problem)
    return IngressWarning(ingress, problem, f"{why}, so requests get 503. {remedy}")


def _name(key: Key) -> str:
    return f"{key.namespace}/{key.name}"
