"""The half of `Lab` that stands before the Ingress: ask it, ask why, send traffic, set a weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from canarylab.display import Table
from canarylab.front_door import HOST, FrontDoor, Visitor, Way
from canarylab.traffic import Sample
from canarylab.traffic.http import HttpResponse
from canarylab.workbench import Workbench

if TYPE_CHECKING:
    from canarylab.widgets.routes import RouteExplorer
    from canarylab.widgets.weights import WeightSlider

CANARY_INGRESS = "ingress-canary"

Said = Mapping[str, str] | None


class Visiting(Workbench):
    """What a visitor of foo.bar.com sees. The host is only ever a header: nobody looks it up."""

    _front_door: FrontDoor

    def get(
        self, url: str, *, host: str | None = None, headers: Said = None, cookies: Said = None
    ) -> HttpResponse:
        """One request, and the answer as `curl -i` shows it. A path alone goes to the Ingress.

        >>> lab.get("/nowhere", host="foo.bar.com").status
        404
        """
        visitor = Visitor(host, headers or {}, cookies or {})
        if not url.startswith("/"):
            return visitor.ask(url)
        return self._front_door.ask(url, visitor._replace(host=host or HOST))

    def explain_route(
        self, path: str = "/", *, host: str = HOST, headers: Said = None, cookies: Said = None
    ) -> Way:
        """Where such a request goes by the rules of the Ingresses, and why. Nothing is sent.

        >>> lab.explain_route("/nowhere")
        No Ingress names this host, so the rules without a host apply.
        No rule has this path, so the default backend answers: 404.
        """
        return self._front_door.route(path, Visitor(host, headers or {}, cookies or {}))

    def sample_ingress(
        self,
        path: str = "/",
        *,
        requests: int = 200,
        host: str = HOST,
        headers: Said = None,
        cookies: Said = None,
    ) -> Sample:
        """Send such a request often, and count who answers, beside what the rules suggest.

        >>> lab.sample_ingress("/nowhere")
        Traceback (most recent call last):
        canarylab.errors.ClusterError: By its rules the ingress answers such a request itself, ...
        """
        visitor = Visitor(host, headers or {}, cookies or {})
        return self._front_door.sample(path, visitor, requests=requests)

    def set_weight(self, percent: int, ingress: str = CANARY_INGRESS) -> Table:
        """What share of the requests the canary Ingress takes, from 0 to 100.

        The same as `kubectl annotate --overwrite ingress NAME
        nginx.ingress.kubernetes.io/canary-weight=PERCENT`.

        >>> for name in ("services", "ingress", "canary"):
        ...     made = lab.apply(f"manifests/7-weights/{name}.yaml")
        >>> lab.set_weight(50)
        ingress-canary takes 50 of 100 requests.
        """
        return self._front_door.set_weight(percent, ingress)

    def wait_accepted(self, route: str) -> Table:
        """Wait until a Gateway serves an HTTPRoute, and say who; or, soon, that nobody does.

        The same as looking at `kubectl get httproute NAME -o jsonpath={.status.parents}`.

        >>> made = lab.apply("manifests/7-weights/gateway.yaml")
        >>> made = lab.apply("manifests/7-weights/httproute.yaml")
        >>> lab.wait_accepted("nodeapp-split")
        nodeapp-split is served by canarylab.dev/gateway-controller.
        """
        return self._front_door.wait_accepted(route)

    def sample_httproute(self, route: str, *, requests: int = 200) -> Sample:
        """Send requests to the host of an HTTPRoute, and count who answers, beside its weights.

        They go where Ingresses answer; a Gateway with an address of its own is not looked for.

        >>> lab.sample_httproute("nodeapp-split", requests=10).failed  # there is no pod yet
        10
        """
        return self._front_door.visit_route(route, requests=requests)

    def route_explorer(self, path: str = "/", *, host: str = HOST) -> RouteExplorer:
        """Fields for a request: where the rules send it, why, and what really answers.

        >>> lab.route_explorer("/canary").close()
        """
        from canarylab.ingress_boards import IngressRoutes  # noqa: PLC0415
        from canarylab.widgets.routes import RouteExplorer  # noqa: PLC0415  ipywidgets is slow

        return RouteExplorer(IngressRoutes(self._front_door), path=path, host=host)

    def weight_slider(self, ingress: str = CANARY_INGRESS, *, path: str = "/") -> WeightSlider:
        """A slider for the weight of a canary Ingress, with the traffic that follows.

        >>> lab.weight_slider().close()
        """
        from canarylab.ingress_boards import IngressWeight  # noqa: PLC0415
        from canarylab.widgets.weights import WeightSlider  # noqa: PLC0415  ipywidgets is slow

        return WeightSlider(IngressWeight(self._front_door, ingress, path))
