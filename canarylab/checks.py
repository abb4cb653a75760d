"""Checkpoints of the lessons: what holds, and what does not yet.

A checkpoint looks at the cluster, a sample or a release, never at what the learner typed. It shows
its verdict and does not raise, so that Run All works on a notebook that is not finished; with
`CANARYLAB_STRICT=1` it raises, which is how the solved notebooks are tested.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from canarylab import stats
from canarylab.display import inline_html
from canarylab.errors import ApiRefusedError, CanaryLabError, CheckpointError
from canarylab.lab import Lab
from canarylab.manifests import CANARY, PRODUCTION, SERVICE
from canarylab.release.rollout import rollout_status
from canarylab.release.staged_release import ReleaseResult
from canarylab.runtime import wait_until
from canarylab.text import count_noun, join_words, percent, version_label
from canarylab.traffic import Sample

CANARY_BACKEND = "nodeapp-svc-canary-weighted:80"
"""The backend of the canary Ingress, as `lab.explain_route` shows it."""

ENDPOINTS_TIMEOUT_S = 2.0
"""A cluster needs a moment to find the endpoints of a changed selector."""
RULES_TIMEOUT_S = 5.0
"""An ingress controller needs a moment to read a changed rule; Traefik reads every 2 s."""

COPIES_TIMEOUT_S = 5.0
"""A mirror sends its copies while the visitors' responses are on their way."""
ROUTE = "nodeapp-split"
SAMPLED = 200
"""Requests that a checkpoint sends."""
UPDATE_RATES = (200, 100, 50)
"""Requests per second in an update: at the first, dozens are lost without a drain. The others are
for a way into the cluster that does not carry as many."""

_VERSION_AT_PATH = {"/": "1.0", "/canary": "2.0", "/canary/x": "2.0", "/canarybird": "1.0"}


class Verdict(NamedTuple):
    """Whether a statement holds, and why."""

    holds: bool
    reason: str
    can_be_checked: bool = True
    """False where the cluster lacks what the statement is about, such as the Gateway API."""

    def __repr__(self) -> str:
        return f"{self._outcome[1]}: {self.reason}"

    @property
    def _outcome(self) -> tuple[str, str]:
        if not self.can_be_checked:
            return "-", "cannot be checked here"
        return ("✔", "holds") if self.holds else ("…", "not yet")

    def _repr_html_(self) -> str:
        mark, text = self._outcome
        return f"<p><strong>{text}</strong> {mark} {inline_html(self.reason)}</p>"


def check(lab: Lab, statement: str, *evidence: Sample | ReleaseResult) -> Verdict:
    """Check whether one of the statements of `CHECKS` is true now.

    >>> check(lab, "production is ready")
    holds: 3 of 3 pods are ready
    """
    if statement not in CHECKS:
        raise ValueError(f'There is no check "{statement}". There are: {"; ".join(CHECKS)}.')
    try:
        verdict = _wrong_evidence(statement, evidence) or CHECKS[statement](lab, *evidence)
    except CanaryLabError as exc:
        verdict = Verdict(holds=False, reason=str(exc))
    is_wrong = verdict.can_be_checked and not verdict.holds
    if is_wrong and os.environ.get("CANARYLAB_STRICT") == "1":
        raise CheckpointError(statement, verdict.reason)
    return verdict


def _wrong_evidence(statement: str, evidence: Sequence[object]) -> Verdict | None:
    """What to give in place of evidence that is no sample, or no release."""
    of_release = CHECKS[statement] is release_finds_slow_answers
    kind, what = (ReleaseResult, "release") if of_release else (Sample, "sample")
    for each in evidence:
        if not isinstance(each, kind):
            reason = f"{each!r} is not a {what}. Give what `lab.{what}` returns"
            return Verdict(holds=False, reason=reason)
    return None


def both_versions_answer(lab: Lab) -> Verdict:
    """Both images run locally, and each answers with its own version."""
    return _answering(lab, ["1.0", "2.0"])


def version_4_answers(lab: Lab) -> Verdict:
    """The version that was missing at first answers."""
    return _answering(lab, ["4.0"])


def version_3_answers(lab: Lab) -> Verdict:
    """The learner's own third version answers."""
    return _answering(lab, ["3.0"])


def production_is_ready(lab: Lab) -> Verdict:
    """Production has three pods of version 1.0, all ready."""
    return _ready(lab, PRODUCTION, 3)


def canary_is_ready(lab: Lab) -> Verdict:
    """The canary has one pod of version 2.0, which is ready."""
    return _ready(lab, CANARY, 1)


def service_finds_production(lab: Lab) -> Verdict:
    """The Service selects `app: nodeapp` alone, and its three pods of version 1.0 answer."""

    def found() -> int:
        return sum(each.version == "1.0" for each in lab.ready_endpoints())

    wait_until(lambda: found() == 3, timeout_s=ENDPOINTS_TIMEOUT_S)
    ready = count_noun(found(), "ready endpoint")
    selector = lab.core.read_namespaced_service(SERVICE, lab.namespace).spec.selector or {}
    labels = ", ".join(f"{key}: {value}" for key, value in selector.items())
    seen = f"the Service selects {labels or 'nothing'} and has {ready} of version 1.0"
    if selector != {"app": "nodeapp"}:
        hint = "it should select app: nodeapp alone"
        if selector:
            hint += ", and None, without quotes, removes a label in a patch"
        return Verdict(holds=False, reason=f"{seen}; {hint}")
    if found() != 3:
        hint = "compare the selector with `kubectl get pods --show-labels`"
        return Verdict(holds=False, reason=f"{seen}, not 3; {hint}")
    version = lab.get(lab.url(SERVICE)).headers.get("X-Version", "(none)")
    return Verdict(holds=version == "1.0", reason=f"{seen}; version {version} answered a request")


def service_selects_both(lab: Lab) -> Verdict:
    """The Service has ready endpoints of both versions."""
    versions = {each.version for each in lab.ready_endpoints()}
    if versions >= {"1.0", "2.0"}:
        return Verdict(holds=True, reason="the Service has ready endpoints of both versions")
    return Verdict(
        holds=False,
        reason=f"its ready endpoints are of version {', '.join(sorted(versions)) or 'none'}; "
        "compare the Service's selector with the labels of your pods",
    )


def both_have_three_pods(lab: Lab) -> Verdict:
    """Each version has three ready pods."""
    pods = Counter(each.version for each in lab.ready_endpoints())
    seen = f"ready pods of 1.0: {pods['1.0']}, of 2.0: {pods['2.0']}"
    holds = pods["1.0"] == pods["2.0"] == 3
    hint = "" if holds else ', not 3 and 3; lab.scale("nodeapp-canary", 3) makes it so'
    return Verdict(holds=holds, reason=seen + hint)


def versions_are_even(lab: Lab) -> Verdict:
    """Each version has two ready pods, and about half of the requests."""
    pods = Counter(each.version for each in lab.ready_endpoints())
    seen = f"ready pods of 1.0: {pods['1.0']}, of 2.0: {pods['2.0']}"
    if not pods["1.0"] == pods["2.0"] == 2:
        return Verdict(holds=False, reason=f"{seen}, not 2 and 2; look at `lab.diagram()`")
    measured = as_expected(lab.sample(requests=SAMPLED))
    return measured._replace(reason=f"{seen}; {measured.reason}")


def release_is_finished(lab: Lab) -> Verdict:
    """Production has version 2.0 and answers every request, and the canary is gone."""
    wait_until(lambda: not _canaries(lab), timeout_s=ENDPOINTS_TIMEOUT_S)
    behind = lab.ready_endpoints()
    left = [each.pod for each in behind if each.version != "2.0"]
    canaries = _canaries(lab)
    if left or canaries:
        reason = f"still behind the Service: {join_words([*left, *canaries])}"
        hint = _unfinished_update(lab) or "`kubectl get deployments` shows whose"
        return Verdict(holds=False, reason=f"{reason}; {hint}")
    if not behind:
        return Verdict(holds=False, reason="the Service has no ready endpoint; look at lab.pods()")
    if CANARY in _deployments(lab):
        return Verdict(holds=False, reason=f"the Deployment {CANARY} is still there, without pods")
    if waits := _unfinished_update(lab):
        return Verdict(holds=False, reason=waits)
    answers = only_the_new_version_answers(lab, lab.sample(requests=SAMPLED))
    return answers._replace(reason=f"{count_noun(len(behind), 'pod')}; {answers.reason}")


def _unfinished_update(lab: Lab) -> str:
    """What the update of production waits for, if nothing else is there that could be meant."""
    deployments = _deployments(lab)
    if CANARY in deployments or PRODUCTION not in deployments:
        return ""
    status = rollout_status(lab.deployment(PRODUCTION))
    if status.done:
        return ""
    return (
        f"{status.message}, so a new pod is not ready: `kubectl get pods` shows which, and "
        "`kubectl describe pods` what its probe gets"
    )


def production_is_back(lab: Lab) -> Verdict:
    """Production is rolled out with three pods, and each ready endpoint has version 1.0."""
    pods = Counter(each.version for each in lab.ready_endpoints())
    rolled_out = _ready(lab, PRODUCTION, 3)
    if not rolled_out.holds:
        hint = "put the template of revision 1 into the Deployment"
        return Verdict(holds=False, reason=f"{rolled_out.reason.partition('; ')[0]}; {hint}")
    versions = (f"{count} of version {version}" for version, count in sorted(pods.items()))
    seen = join_words(versions, none="no ready pod")
    if set(pods) != {"1.0"}:
        hint = "`kubectl rollout history deployment/nodeapp-production` lists the revisions"
        return Verdict(holds=False, reason=f"the Service has {seen}; {hint}")
    return Verdict(holds=True, reason=f"{rolled_out.reason}, {seen}")


def pods_are_replaced_at_once(lab: Lab) -> Verdict:
    """An update of production keeps three pods ready, and starts three more at the same time."""
    lab.restart(PRODUCTION)
    steps = lab.watch_rollout(PRODUCTION).numbers
    fewest = min(each["ready"] for each in steps)
    most = max(each["ready"] + each["not_ready"] for each in steps)
    seen = f"at least {count_noun(fewest, 'pod')} ready, and at most {most} that were not ending"
    if fewest < 3:
        hint = "maxUnavailable says how many of the three may be missing"
        return Verdict(holds=False, reason=f"{seen}; {hint}")
    if most < 6:
        hint = "maxSurge says how many there may be beside the three"
        return Verdict(holds=False, reason=f"{seen}; {hint}")
    return Verdict(holds=True, reason=seen)


def update_loses_no_request(lab: Lab) -> Verdict:
    """All pods of production are replaced under load, and every request is answered.

    Without a drain, each update loses dozens of requests. A machine that is far too busy may lose
    some by itself, so what counts is a second update where the first one lost some, at a rate at
    which nothing is lost while nothing is updated.
    """
    first = sample = _updated_under_load(lab, UPDATE_RATES[0])
    if first.failed:
        rate = next((rate for rate in UPDATE_RATES if not _without_update(lab, rate).failed), None)
        if rate is None:
            lowest = f"at {UPDATE_RATES[-1]} requests a second"
            reason = f"{lowest} some are lost here also while nothing is updated"
            return Verdict(holds=False, reason=reason, can_be_checked=False)
        sample = _updated_under_load(lab, rate)
    if set_otherwise := _ends_otherwise(lab):
        return Verdict(holds=False, reason=f"{_lost_in(sample)}; {set_otherwise}")
    if not sample.failed:
        before = f"; the update before lost {first.failed}" if first.failed else ""
        return Verdict(holds=True, reason=f"{_lost_in(sample)} in an update{before}")
    hint = "a pod has to answer for more than a second after it left the endpoints"
    return Verdict(holds=False, reason=f"{_lost_in(sample)}; {hint}")


def _lost_in(sample: Sample) -> str:
    requests = count_noun(sample.total, "request")
    if not sample.failed:
        return f"all {requests} were answered"
    kinds = join_words(f"{kind} {hits}" for kind, hits in sample.failures.items())
    return f"{sample.failed} of {requests} were lost ({kinds})"


def _ends_otherwise(lab: Lab) -> str:
    """What is not as lesson 05 asks for: no drain, and a preStop hook."""
    spec = lab.deployment(PRODUCTION)["spec"]["template"]["spec"]
    (container, *_) = spec["containers"]
    drain = {each["name"]: each.get("value") for each in container.get("env", [])}.get("DRAIN_S")
    if drain != "0":
        return f"DRAIN_S is {drain or 'not set'}, and should be 0: the hook alone has to help here"
    if not container.get("lifecycle", {}).get("preStop"):
        return "the container has no preStop hook: lifecycle is a field of the container"
    return ""


def canary_answers_as_expected(lab: Lab, sample: Sample) -> Verdict:
    """The shares are what the ready pods suggest, or chance explains the difference."""
    return as_expected(sample)


def as_expected(sample: Sample) -> Verdict:
    """The finding of a sample, in the words of its picture; bad luck alone never fails it.

    >>> as_expected(Sample.from_versions(["1.0"]).with_expected({"1.0": 1.0}))
    holds: as expected: version 1.0 answered all 1 request, expected 100 %
    """
    sentence, found = stats.finding(sample)
    sentence = sentence[0].lower() + sentence[1:]
    if found is None:
        hint = "take the sample again, while no pod starts or ends"
        return Verdict(holds=False, reason=f"{sentence}, with nothing to compare it to; {hint}")
    if found.fit == "too few to judge":
        hint = "send more requests, each over a connection of its own"
        return Verdict(holds=False, reason=f"{sentence}; {hint}")
    hint = "" if found.holds else "; compare with lab.endpoints(), and take the sample again"
    return Verdict(holds=found.holds, reason=sentence + hint)


def canary_is_taken_back(lab: Lab) -> Verdict:
    """Production has three ready pods of version 1.0, and no request reaches version 2.0."""

    def versions() -> Counter[str]:
        return Counter(each.version for each in lab.ready_endpoints())

    wait_until(lambda: versions() == {"1.0": 3}, timeout_s=ENDPOINTS_TIMEOUT_S)
    pods, asked = versions(), lab.replicas()[CANARY]
    seen = f"ready pods of 1.0: {pods['1.0']}, of 2.0: {pods['2.0']}"
    if pods["2.0"] or asked:
        hint = f"{CANARY} should have 0 replicas, and it has {asked}"
        if not asked:
            hint = "version 2.0 was promoted; run this section again from its first cell"
        return Verdict(holds=False, reason=f"{seen}; {hint}")
    if pods["1.0"] != 3:
        hint = f'there should be 3 of 1.0; lab.scale("{PRODUCTION}", 3) makes it so'
        return Verdict(holds=False, reason=f"{seen}; {hint}")
    hits = sum(each.version == "2.0" for each in lab.sample(requests=SAMPLED).results)
    reason = f"{seen}; of {SAMPLED} requests, {hits} reached version 2.0"
    return Verdict(holds=not hits, reason=reason + ("; compare with lab.endpoints()" * bool(hits)))


def release_finds_slow_answers(lab: Lab, released: ReleaseResult) -> Verdict:
    """A judge with a limit for the latency rolled the release back, and the canary has no pods."""
    decision = released.decision
    if released.outcome != "rolled back" or decision is None or decision.verdict != "roll back":
        hint = "a judge counts slow answers if it has slower_than_s; run this section again"
        return Verdict(holds=False, reason=f"the release: {released.outcome}; {hint}")
    if decision.limits is None or decision.limits.slower_than_s is None:
        hint = "give Judge the limit, and the release of candidate B to the check"
        return Verdict(holds=False, reason=f"this judge had no slower_than_s; {hint}")
    return canary_is_taken_back(lab)


def sample_tells_two_shares_apart(lab: Lab, sample: Sample) -> Verdict:
    """At two of five pods, the sample is large enough to exclude one of four."""
    expected = (sample.expected or {}).get("2.0", 0.0)
    if not math.isclose(expected, 0.4):
        reason = f"the ready pods suggest {percent(expected)} for version 2.0, not 40 %"
        hint = "run the cell that scales the canary to 2, and then take the sample again"
        return Verdict(holds=False, reason=f"{reason}; {hint}")
    needed = stats.requests_to_tell_apart(0.25, 0.40)
    if sample.trials < needed:
        seen = f"{count_noun(sample.trials, 'choice')} of a pod, and {needed:,} are needed"
        hint = "give lab.sample that many requests, each over a new connection"
        return Verdict(holds=False, reason=f"{seen}; {hint}")
    measured = as_expected(sample)
    seen = f"{needed:,} choices of a pod show the difference in 80 of 100 samples"
    share = stats.share_of(sample, "2.0")
    if share.interval.low <= 0.25 <= share.interval.high:
        seen += f", and this is one of the other 20: 25 % is in its interval, {share.interval}"
    return measured._replace(reason=f"{seen}; {measured.reason}")


def canary_gets_less_than_half(lab: Lab, sample: Sample) -> Verdict:
    """The confidence sequence of the sample ends below one half."""
    hits, trials = sample.choices("version")["2.0"], sample.trials
    sequence = stats.confidence_sequence(hits, trials)
    seen = f"after {count_noun(trials, 'choice')} of a pod the confidence sequence is {sequence}"
    if sequence.high < 0.5:
        return Verdict(holds=True, reason=f"{seen}, and half is outside")
    hint = "add more requests to the sample, until 50 % is outside"
    return Verdict(holds=False, reason=f"{seen}; {hint}")


def only_the_new_version_answers(lab: Lab, sample: Sample) -> Verdict:
    """Every request was answered by version 2.0."""
    others = {name: hits for name, hits in sample.by_version.items() if name != "2.0" and hits}
    if others or sample.failed or not sample.answered:
        seen = [f"{version_label(each)} answered {hits}" for each, hits in others.items()]
        seen += [f"{hits} failed with {kind}" for kind, hits in sample.failures.items()]
        hint = "`lab.explain_route` with the same path names the rule that they match"
        if sample.expected_from == "pods":
            hint = "compare with lab.endpoints()"
        reason = f"of {count_noun(sample.total, 'request')}, {join_words(seen)}; {hint}"
        return Verdict(holds=False, reason=reason)
    return Verdict(holds=True, reason=f"all {sample.answered} answers came from version 2.0")


def another_spelling_reaches_the_canary(lab: Lab, sample: Sample) -> Verdict:
    """Version 2.0 answers a path that does not have the word canary in small letters."""
    path = urlsplit(sample.url).path
    if "canary" in path:
        hint = "find a path that is spelled in another way; the route explorer shows which match"
        return Verdict(holds=False, reason=f"{path} has the word canary in small letters; {hint}")
    verdict = only_the_new_version_answers(lab, sample)
    return verdict._replace(reason=f"{path}: {verdict.reason}")


def quarter_goes_to_the_canary(lab: Lab) -> Verdict:
    """The canary Ingress takes 25 of 100 requests, and 400 requests agree."""
    share = lab.explain_route("/").shares.get(CANARY_BACKEND, 0.0)
    if share != 0.25:
        reason = f"{percent(share)} of the requests for / go to {CANARY_BACKEND}, not 25 %"
        return Verdict(holds=False, reason=f"{reason}; set the weight with lab.set_weight(...)")
    return as_expected(lab.sample_ingress(requests=2 * SAMPLED))


def yellow_testers_reach_the_canary(lab: Lab) -> Verdict:
    """The header leads to the canary with the value yellow, and with no other."""
    word, always = (
        lab.explain_route("/", headers={"X-Canary": value}).shares.get(CANARY_BACKEND, 0.0)
        for value in ("yellow", "always")
    )
    reason = f"X-Canary: yellow {percent(word)}, X-Canary: always {percent(always)} to the canary"
    if word != 1 or always == 1:
        hint = (
            "nginx.ingress.kubernetes.io/canary-by-header-value names the word, in the same letters"
        )
        if always != 1:
            hint = f"{hint}, and canary-by-header stays X-Canary"
        return Verdict(holds=False, reason=f"by the rules {reason}; {hint}")
    yellow = lab.sample_ingress(requests=100, headers={"X-Canary": "yellow"})
    verdict = only_the_new_version_answers(lab, yellow)
    return verdict._replace(reason=f"{verdict.reason} with X-Canary: yellow; by the rules {reason}")


def canary_belongs_to_production(lab: Lab) -> Verdict:
    """The canary Ingress repeats a rule of production, and requests reach it in its share."""
    share = lab.explain_route("/").shares.get(CANARY_BACKEND, 0.0)
    if not share:
        hint = "compare host, path and pathType of the two Ingresses"
        return Verdict(
            holds=False, reason=f"no request for / goes to {CANARY_BACKEND} by the rules; {hint}"
        )
    return as_expected(lab.sample_ingress(requests=2 * SAMPLED))


def half_goes_to_the_canary(lab: Lab) -> Verdict:
    """The route gives each version half of the requests, and 400 requests agree."""
    sample = lab.sample_httproute(ROUTE, requests=2 * SAMPLED)
    expected = (sample.expected or {}).get("2.0", 0.0)
    if sample.total and expected != 0.5:
        reason = f"by the weights of {ROUTE} version 2.0 gets {percent(expected)}, not 50 %"
        hint = "only the ratio of the two weights matters, and lab.apply(route) applies them"
        return Verdict(holds=False, reason=f"{reason}; {hint}")
    return as_expected(sample) if sample.total else _not_served(sample)


def route_finds_its_services(lab: Lab) -> Verdict:
    """No request to the route fails, and both versions answer in their shares."""
    sample = lab.sample_httproute(ROUTE, requests=2 * SAMPLED)
    if not sample.total:
        return _not_served(sample)
    if sample.failed:
        kinds = join_words(f"{hits} with {kind}" for kind, hits in sample.failures.items())
        reason = f"of {count_noun(sample.total, 'request')}, {sample.failed} failed: {kinds}"
        hint = "compare the names in its backendRefs with `kubectl get services`"
        return Verdict(holds=False, reason=f"{reason}; {hint}")
    if sample.expected is not None and not sample.expected.get("2.0"):
        hint = "one of its backendRefs should name nodeapp-svc-canary"
        return Verdict(
            holds=False, reason=f"by the weights of {ROUTE} version 2.0 gets no request; {hint}"
        )
    return as_expected(sample)


def canary_gets_a_copy_of_each_request(lab: Lab) -> Verdict:
    """Production answers 50 requests, and the log of the canary has 50 more lines."""
    before = _logged_requests(lab)
    sample = lab.sample_httproute(ROUTE, requests=50)
    if not sample.total:
        return _not_served(sample)
    if hits := sample.by_version.get("2.0", 0):
        hint = "a mirror is a filter, and the canary is none of its backendRefs: apply mirror.yaml"
        return Verdict(holds=False, reason=f"version 2.0 answered {hits} of 50 requests; {hint}")
    wait_until(lambda: _logged_requests(lab) - before >= 50, timeout_s=COPIES_TIMEOUT_S)
    copies = _logged_requests(lab) - before
    reason = f"production answered 50 requests, and the canary's log has {copies} of them"
    hint = "look for the mirror in the route, and for LOG_REQUESTS in the Deployment nodeapp-canary"
    return Verdict(holds=copies == 50, reason=reason + ("" if copies == 50 else f"; {hint}"))


def preview_keeps_to_its_path(lab: Lab) -> Verdict:
    """Version 2.0 answers at `/canary` and below it, and version 1.0 at every other path."""
    for path in _VERSION_AT_PATH:
        if status := lab.explain_route(path).status:
            hint = f'`lab.explain_route("{path}")` names the reason'
            return Verdict(
                holds=False, reason=f"by the rules, {path} gets {status} and no version; {hint}"
            )
    answers: dict[str, str] = {}

    def are_right() -> bool:
        found = {path: lab.get(path).headers.get("X-Version", "none") for path in _VERSION_AT_PATH}
        answers.update(found)
        return answers == _VERSION_AT_PATH

    if wait_until(are_right, timeout_s=RULES_TIMEOUT_S):
        return Verdict(holds=True, reason=f"{join_words(answers)} reach the right version")
    wrong = [path for path, version in _VERSION_AT_PATH.items() if answers[path] != version]
    reason = "; ".join(
        f"version {answers[path]} answers {path}, and {_VERSION_AT_PATH[path]} should"
        for path in wrong
    )
    hint = f'`lab.explain_route("{wrong[0]}")` names the rule'
    return Verdict(holds=False, reason=f"{reason}; {hint}")


CHECKS: Mapping[str, Callable[..., Verdict]] = {
    "both versions have three pods": both_have_three_pods,
    "both versions answer": both_versions_answer,
    "version 3.0 answers": version_3_answers,
    "version 4.0 answers": version_4_answers,
    "production is ready": production_is_ready,
    "canary is ready": canary_is_ready,
    "the Service finds production": service_finds_production,
    "the Service selects both": service_selects_both,
    "the two versions are even": versions_are_even,
    "the release is finished": release_is_finished,
    "the canary is taken back": canary_is_taken_back,
    "the judge finds slow answers": release_finds_slow_answers,
    "all pods are replaced at once": pods_are_replaced_at_once,
    "production is back at version 1.0": production_is_back,
    "an update loses no request": update_loses_no_request,
    "the canary answers as expected": canary_answers_as_expected,
    "the sample tells 40 % from 25 %": sample_tells_two_shares_apart,
    "the canary gets less than half": canary_gets_less_than_half,
    "only the new version answers": only_the_new_version_answers,
    "another spelling reaches the canary": another_spelling_reaches_the_canary,
    "the preview keeps to its path": preview_keeps_to_its_path,
    "a quarter goes to the canary": quarter_goes_to_the_canary,
    "yellow testers reach the canary": yellow_testers_reach_the_canary,
    "the canary belongs to production": canary_belongs_to_production,
    "half goes to the canary": half_goes_to_the_canary,
    "the route finds its Services": route_finds_its_services,
    "the canary gets a copy of each request": canary_gets_a_copy_of_each_request,
}


def _answering(lab: Lab, versions: Sequence[str]) -> Verdict:
    answers = {version: lab.get(run.url).body for version, run in lab.local_runs().items()}
    missing = [version for version in versions if answers.get(version) != f'"Version {version}"']
    if missing:
        runs = join_words(f"{name} at {run.url}" for name, run in lab.local_runs().items())
        hint = f'lab.run_locally("{missing[0]}", port=...) starts it'
        reason = f"no answer from version {join_words(missing)}; running: {runs}; {hint}"
        return Verdict(holds=False, reason=reason)
    return Verdict(
        holds=True, reason=f"answering, each with its own version: {join_words(versions)}"
    )


def _not_served(sample: Sample) -> Verdict:
    reason = stats.finding(sample).sentence
    return Verdict(holds=False, reason=reason, can_be_checked=False)


def _logged_requests(lab: Lab) -> int:
    """How many requests stand in the logs of the ready canary pods."""
    pods = [each.pod for each in lab.ready_endpoints("nodeapp-svc-canary")]
    logs = [lab.core.read_namespaced_pod_log(pod, lab.namespace) for pod in pods]
    return sum(" GET " in line for log in logs for line in log.splitlines())


def _without_update(lab: Lab, rate: float) -> Sample:
    return lab.sample(SERVICE, rate=rate, seconds=2)


def _updated_under_load(lab: Lab, rate: float) -> Sample:
    with lab.traffic(SERVICE, rate=rate) as traffic:
        lab.restart(PRODUCTION)
        lab.wait_ready(PRODUCTION)
    return traffic.sample


def _canaries(lab: Lab) -> list[str]:
    """The canary pods that get requests."""
    return [each.pod for each in lab.ready_endpoints() if each.pod.startswith(CANARY)]


def _deployments(lab: Lab) -> list[str]:
    found = lab.apps.list_namespaced_deployment(lab.namespace).items
    return [each.metadata.name for each in found]


def _ready(lab: Lab, name: str, wanted: int) -> Verdict:
    try:
        deployment = lab.deployment(name)
    except ApiRefusedError as exc:
        if "NotFound" not in exc.reply:
            raise
        names = _deployments(lab)
        there = f", only {join_words(names)}" if names else "; lab.apply(...) makes it"
        return Verdict(holds=False, reason=f"there is no Deployment {name}{there}")
    asked = deployment["spec"].get("replicas", 1)
    status = rollout_status(deployment)
    reason = status.message.partition(": ")[2]
    if asked != wanted:
        reason = f"{name} has {count_noun(asked, 'replica')}, not {wanted}"
        return Verdict(holds=False, reason=f"{reason}; the field is spec.replicas")
    if not status.done:
        return Verdict(
            holds=False,
            reason=f"{reason}; run the cell again in a moment, or look at `kubectl describe pods`",
        )
    return Verdict(holds=True, reason=reason)
