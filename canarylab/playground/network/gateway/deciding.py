"""What becomes of a request, by the rules of all HTTPRoutes?"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from canarylab.playground.network.gateway.building import NOTHING, Built, Rule, Share
from canarylab.playground.network.gateway.filters import applied, redirection
from canarylab.playground.network.gateway.matches import Asked, asked, host_rank, matches
from canarylab.playground.network.http.head import Head
from canarylab.playground.network.http.verdicts import Answer, Forward


class GatewayDecider:
    """Holds the rules, which are replaced as a whole, and draws between backends."""

    def __init__(self, random: Random) -> None:
        self.built: Built = NOTHING
        self._random = random

    def decide(self, head: Head) -> Answer | Forward | None:
        """None where no rule means this request."""
        if not self.built.rules:
            return None
        request = asked(head.host, head.method, head.target, head.named)
        rule = None if request is None else first(self.built.rules, request)
        if rule is None:
            return None
        if (redirected := redirection(head, rule.filters, rule.match)) is not None:
            return redirected
        share = self._drawn(rule.shares)
        if share is None or share.endpoints is None:
            return Answer(500)
        if not share.endpoints:
            return Answer(503)
        sent = applied(head, (*rule.filters, *share.filters), rule.match)
        return Forward(
            (rule.route, share.service),
            share.endpoints,
            sent.target,
            head=sent,
            mirrors=tuple(
                Forward(
                    (rule.route, "mirror", each.service), each.endpoints, sent.target, head=sent
                )
                for each in rule.mirrors
                if each.endpoints
            ),
        )

    def _drawn(self, shares: Sequence[Share]) -> Share | None:
        """Weights are parts of their sum; without a sum nobody is asked."""
        weights = [share.weight for share in shares]
        return self._random.choices(shares, weights)[0] if sum(weights) else None


def first(rules: Sequence[Rule], request: Asked) -> Rule | None:
    """Of those that mean the request, the one for the narrowest host; the order does the rest."""
    best: tuple[tuple[int, int], Rule] | None = None
    for rule in rules:
        rank = host_rank(rule.host, request.host)
        if rank is None or (best is not None and rank <= best[0]):
            continue
        if matches(rule.match, request):
            best = rank, rule
    return best[1] if best is not None else None
