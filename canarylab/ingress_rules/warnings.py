"""Warnings about Ingresses: what has no effect or is left out, and how to correct it.

None of it stops the ingress: the rest is served. ingress-nginx writes the same things to its log
or refuses them in its webhook; the playground records them as events, for `kubectl describe`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from canarylab.ingress_rules.annotations import CanaryPolicy, similar_annotation
from canarylab.ingress_rules.ingress_spec import (
    ANY_HOST,
    Backend,
    BackendProblem,
    ClassProblem,
    IngressSpec,
    RulePath,
    backend_problem,
)
from canarylab.ingress_rules.paths import HEADER_NAME, pattern_error
from canarylab.kube_objects import EndpointIndex, Key
from canarylab.text import join_words

_ELSEWHERE = (
    "Remove it, or try it on a cluster whose controller serves it (`canarylab up --cluster kind`)."
)


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
        yield from _without_effect(spec)


def backend_warnings(
    specs: Iterable[IngressSpec], endpoints: EndpointIndex
) -> Iterator[IngressWarning]:
    """Warnings about backends without endpoints."""
    for spec in specs:
        for backend in (spec.default, *(path.backend for path in spec.paths)):
            if backend is not None and (problem := backend_problem(backend, endpoints)):
                yield _no_endpoints(spec, backend, problem)


def class_warning(problem: ClassProblem) -> IngressWarning:
    """An Ingress without a class, or with one that nothing serves here."""
    ingress, named, controller = problem
    if not named:
        return IngressWarning(
            ingress,
            "NoIngressClass",
            "This Ingress names no class and is served as on kind and minikube, but other clusters "
            "may leave it unserved. Add ingressClassName: nginx to its spec.",
        )
    if controller is None:
        what, reason = f"There is no IngressClass {named}", "IngressClassNotFound"
    else:
        what = f"The controller {controller} of IngressClass {named} does not run here"
        reason = "IngressClassNotServed"
    return IngressWarning(
        ingress,
        reason,
        f"{what}, so nothing serves this Ingress. Set ingressClassName: nginx in its spec.",
    )


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


def no_host(ingress: Key, path: RulePath) -> IngressWarning:
    """A canary for a host without rules; the canary stays for its other hosts."""
    return IngressWarning(
        ingress,
        "NoPrimary",
        f"No other Ingress has rules for {_host(path)}, so this canary gets no request for {path}. "
        "Create the Ingress that serves this host, or remove the host here.",
    )


def no_primary(ingress: Key, path: RulePath) -> IngressWarning:
    """A canary without a rule to share; ingress-nginx then removes its backend everywhere."""
    return IngressWarning(
        ingress,
        "NoPrimary",
        f"No other Ingress has a rule for {path} of this pathType, so the canary {path.backend} "
        "gets no requests at all, whatever their host and path. Give it the same host, path and "
        "pathType as the rule whose requests it should get.",
    )


def canary_removed(ingress: Key, path: RulePath, cause: RulePath) -> IngressWarning:
    """A canary that another of its rules has taken away."""
    return IngressWarning(
        ingress,
        "CanaryRemoved",
        f"This canary gets no request for {path}, because its backend {path.backend} is also the "
        f"canary for {cause}, which no other Ingress serves. Correct that rule, or remove it.",
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


def service_is_primary(spec: IngressSpec, backend: Backend) -> IngressWarning:
    """An older Ingress has the Service, and so weight, header and cookie have no effect."""
    return IngressWarning(
        spec.key,
        "ServiceIsPrimary",
        f"{backend} is also the backend of an older Ingress, so {_without_choice(spec)}. "
        "Use a separate Service for the canary.",
    )


def second_policy(spec: IngressSpec, backend: Backend, first: Key) -> IngressWarning:
    """Another canary Ingress has the Service, and a backend has one policy."""
    return IngressWarning(
        spec.key,
        "SecondPolicy",
        f"{backend} is also the canary of Ingress {_name(first)}, which decides which requests it "
        f"gets, so {_without_choice(spec)}. Write it into that Ingress, or use a separate Service "
        "for another rule.",
    )


def _without_effect(spec: IngressSpec) -> Iterator[IngressWarning]:
    """Whatever the Ingress asks for and nothing here serves."""
    said = spec.annotations
    for name, value in said.unparsable:
        yield _ignored(
            spec.key,
            "BadValue",
            f"The value {value!r} of {name} cannot be read, so it is ignored",
            "Correct it, or remove the annotation.",
        )
    if said.not_served:
        yield _ignored(
            spec.key,
            "NotServed",
            f"Without effect here: {_with_similar(said.not_served)}, so requests are served as if "
            "the Ingress did not have that",
            _ELSEWHERE,
        )
    if spec.tls:
        yield _ignored(
            spec.key,
            "NotServed",
            "Without effect here: spec.tls, so requests are served by plain HTTP and are not "
            "redirected to HTTPS",
            _ELSEWHERE,
        )
    for place in spec.resources:
        yield _ignored(
            spec.key,
            "NotServed",
            f"Without effect here: the resource backend of {place}, so it serves nothing",
            "Name a Service instead.",
        )
    yield from _without_effect_together(spec)


def _with_similar(names: Iterable[str]) -> str:
    """The names, and after one that looks misspelled the annotation that may be meant."""
    similar = ((name, similar_annotation(name)) for name in names)
    return ", ".join(
        f"{name} (did you mean {other}?)" if other else name for name, other in similar
    )


def _without_effect_together(spec: IngressSpec) -> Iterator[IngressWarning]:
    """Annotations that are served, and have no effect beside the others of the same Ingress."""
    said = spec.annotations
    if spec.is_canary and not said.has_choice:
        yield _ignored(
            spec.key,
            "NoChoice",
            "This canary has no weight, no header and no cookie, so it gets no request",
            "Add canary-weight, canary-by-header or canary-by-cookie.",
        )
    if said.of_primary:
        yield _ignored(
            spec.key,
            "OnCanary",
            f"Without effect on a canary: {', '.join(said.of_primary)}, because a canary has what "
            "its primary's Ingress has",
            "Write it into that Ingress.",
        )
    if said.affinity and said.use_regex and not said.affinity.path:
        yield _ignored(
            spec.key,
            "CookiePath",
            "The paths are regular expressions, which no browser compares with the path of a "
            f"cookie, so cookie {said.affinity.name} never comes back",
            "Add the annotation session-cookie-path, such as /.",
        )
    for name, other in said.incomplete:
        yield _ignored(
            spec.key,
            "Incomplete",
            f"Without effect: {name}, because there is {other}",
            "Keep the one that you want, and what it needs.",
        )
    if said.canary and not HEADER_NAME.fullmatch(header := said.canary.header or "x"):
        yield _ignored(spec.key, "HeaderName", *_unreadable_header(header))


def _ignored(ingress: Key, reason: str, what: str, remedy: str) -> IngressWarning:
    return IngressWarning(ingress, reason, f"{what}. {remedy}")


def _unreadable_header(header: str) -> tuple[str, str]:
    """What nginx makes of a name with underscores or other characters, and what to try."""
    sent = header.replace("_", "-")
    if HEADER_NAME.fullmatch(sent):
        return (
            f"nginx drops the header {header} for its underscore, so only the header {sent} "
            "reaches the canary",
            f"Write canary-by-header: {sent}, and send that header.",
        )
    return (
        f"nginx drops the header {header} for its characters, so it never reaches the canary",
        "Use letters, digits and hyphens only.",
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


def _no_endpoints(spec: IngressSpec, backend: Backend, problem: BackendProblem) -> IngressWarning:
    """A backend without endpoints; requests to it get 503, or production's answer for a canary."""
    why, remedy = problem_and_remedy(backend, problem)
    end = "this canary is ignored, and production answers" if spec.is_canary else "requests get 503"
    return IngressWarning(spec.key, problem, f"{why}, so {end}. {remedy}")


def _without_choice(spec: IngressSpec) -> str:
    """That a canary's way to choose requests has no effect, as a clause that names what it has."""
    policy = spec.annotations.canary or CanaryPolicy()
    by = {"weight": policy.weight, "header": policy.header, "cookie": policy.cookie}
    names = [f"the {name}" for name, value in by.items() if value] or ["the weight"]
    return f"{join_words(names)} of this canary {'has' if len(names) == 1 else 'have'} no effect"


def _host(path: RulePath) -> str:
    return "any host" if path.host == ANY_HOST else f"Host {path.host}"


def _name(key: Key) -> str:
    return f"{key.namespace}/{key.name}"
