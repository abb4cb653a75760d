"""`Lab`: the one object a notebook holds.

It hides what is not the lesson: which cluster, how it starts, where a Service is reached, when the
network has caught up. What is the lesson goes through the official client: `lab.apps` and
`lab.core` are its API objects.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from canarylab import resources, stats
from canarylab.clusters.choose import choose
from canarylab.display import Table, status_line
from canarylab.front_door import FrontDoor
from canarylab.images.builder import app_reference
from canarylab.manifests import load
from canarylab.predictions import Predictions, Value
from canarylab.release import inside, rollout, stages
from canarylab.release.connection import Connection, Object
from canarylab.release.endpoints import Endpoint, listed, read_endpoints, ready_endpoints
from canarylab.release.pods import list_pods
from canarylab.release.service_url import ServiceUrls, sample_service
from canarylab.release.wait import apply_and_wait, settle
from canarylab.traffic import Sample
from canarylab.visiting import Visiting
from canarylab.workbench import place

if TYPE_CHECKING:
    from canarylab.figures import Picture
    from canarylab.widgets.replicas import ReplicaBoard


class Lab(Visiting):
    """A cluster to release on, with the verbs of the lessons.

    The examples below are one story, from an empty cluster to an empty cluster.
    """

    def __init__(self, cluster: str | None = None) -> None:
        chosen, self._why = choose(cluster)
        super().__init__(chosen)
        with status_line() as say:
            chosen.start(say)
        self._connection = Connection(
            chosen.kubeconfig, chosen.namespace, context=chosen.context, adapt=chosen.adapt_manifest
        )
        self._service_urls = ServiceUrls(self._connection, chosen.addresses)
        self._front_door = FrontDoor(chosen, self._connection)
        self._predictions = Predictions()

    def __repr__(self) -> str:
        return f"You are on {self._why}.\nFor kubectl: export KUBECONFIG={self.cluster.kubeconfig}"

    @property
    def apps(self) -> Any:
        """Deployments and ReplicaSets: `AppsV1Api` of the official client."""
        return self._connection.apps

    @property
    def core(self) -> Any:
        """Pods, Services, Events: `CoreV1Api` of the official client."""
        return self._connection.core

    @property
    def namespace(self) -> str:
        """Where everything of ours lies."""
        return self._connection.namespace

    def apply(self, manifest: str | Object) -> Table:
        """Make the cluster hold what a file or an object says, as `kubectl apply -f` does.

        >>> lab.reset("production")
        The cluster is at: production.
        >>> lab.apply("manifests/3-canary/canary.yaml")
        deployment.apps/nodeapp-canary created
        """
        objects = [manifest] if isinstance(manifest, dict) else load(place(manifest))
        opened = self._front_door.keeper.open_for(objects)
        applied = apply_and_wait(self._connection, objects)
        notes = [f"{each.name}: {note}" for each in applied for note in each.notes]
        return Table("\n".join(map(str, applied)), notes=[*opened, *notes])

    def wait_ready(self, name: str, *, timeout_s: float = 90.0) -> Table:
        """Wait until a Deployment is rolled out, as `kubectl rollout status` does.

        >>> lab.wait_ready("nodeapp-canary")
        nodeapp-canary: 1 of 1 pods are ready
        """
        with status_line() as say:
            done = rollout.wait_until_rolled_out(
                self._connection, name, timeout_s=timeout_s, report=say
            )
        return Table(done.words)

    def deployment(self, name: str) -> Object:
        """A Deployment as plain JSON, as `kubectl get deployment NAME -o json` prints it.

        >>> lab.deployment("nodeapp-canary")["spec"]["replicas"]
        1
        """
        return rollout.read_deployment(self._connection, name)

    def scale(self, name: str, replicas: int) -> Table:
        """So many pods, and wait for them, as `kubectl scale` and `rollout status` do.

        >>> lab.scale("nodeapp-production", 2)
        nodeapp-production: 2 of 2 pods are ready
        """
        rollout.scale(self._connection, name, replicas)
        return self.wait_ready(name)

    def pods(self) -> Table:
        """The pods of the lessons, as `kubectl get pods -o wide` shows them.

        >>> lab.pods()
        3 pods with app=nodeapp.
        ...
        """
        return list_pods(self._connection)

    def endpoints(self, service: str = stages.SERVICE) -> Table:
        """Who stands behind a Service, as its EndpointSlices say.

        >>> lab.endpoints("nodeapp-svc")
        nodeapp-svc has 3 ready endpoints.
        ...
        """
        return listed(service, read_endpoints(self._connection, service))

    def ready_endpoints(self, service: str = stages.SERVICE) -> list[Endpoint]:
        """The endpoints that get traffic, as values to compute with.

        >>> [endpoint.version for endpoint in lab.ready_endpoints()]
        ['1.0', '1.0', '2.0']
        """
        return ready_endpoints(self._connection, service)

    def url(self, name: str = stages.SERVICE) -> str:
        """Where this machine reaches a Service, or an Ingress of that name.

        Of a Service, waits until its ready pods answer there.

        >>> lab.url("nodeapp-svc")
        'http://127.0.0.1:32089'
        """
        if self._front_door.has(name):
            return self._front_door.url
        url = self._service_urls.find(name).url
        if self.ready_endpoints(name):
            settle(self._connection, name, url)
        return url

    def image(self, version: str) -> str:
        """What the cluster calls the image of a version; with a registry, its name is in front.

        >>> lab.image("2.0")
        'node_app:2.0'
        """
        return self.cluster.image(app_reference(version))

    def get_from_pod(self, pod: str, url: str) -> Table:
        """Ask a URL from inside a pod, as `kubectl exec POD -- curl URL` would.

        >>> canary = lab.ready_endpoints()[-1]
        >>> lab.get_from_pod(canary.pod, f"http://{canary.address}")
        "Version 2.0"
        """
        said = inside.fetch_from(self._connection, pod, url)
        return Table(said.output.strip(), notes=said.notes)

    def sample(
        self, service: str = stages.SERVICE, *, requests: int = 200, keep_alive: int = 0
    ) -> Sample:
        """Send requests and count who answers, once the network has caught up.

        The sample knows what its ready pods suggested, if these stayed the same all along.

        >>> sample = lab.sample("nodeapp-svc", requests=40)
        >>> sample.expected["2.0"]
        0.333...
        """
        way = self._service_urls.find(service)
        sample = sample_service(
            self._connection, service, way.url, requests=requests, keep_alive=keep_alive
        )
        is_direct = way.chosen_for == "connection"
        where = self.cluster.name if is_direct else f"{self.cluster.name}, through {way.way}"
        return replace(sample, cluster=where, chosen_for=way.chosen_for)

    def figure(self, sample: Sample, *, by: str = "version") -> Picture:
        """The observed shares with their intervals, beside the expected ones.

        >>> lab.figure(sample).title
        '...'
        """
        from canarylab import figures  # noqa: PLC0415  matplotlib is slow to import

        if by not in {"version", "pod"}:
            raise ValueError(f'A figure is by "version" or by "pod", not by "{by}".')
        return figures.plot_versions(sample) if by == "version" else figures.plot_pods(sample)

    def table(self, sample: Sample) -> Any:
        """The same numbers as the figure's, as a pandas table.

        >>> list(lab.table(sample).columns)
        ['hits', 'share', 'low', 'high', 'expected']
        """
        return stats.summary(sample).round(3)

    def replica_board(self) -> ReplicaBoard:
        """Sliders for production and canary, with the traffic that follows.

        >>> lab.replica_board().close()
        """
        from canarylab.board import LabBoard  # noqa: PLC0415  ipywidgets is slow to import
        from canarylab.widgets.replicas import ReplicaBoard  # noqa: PLC0415

        return ReplicaBoard(LabBoard(self))

    def promote(self, way: Literal["replicas", "image"]) -> Table:
        """Promote the canary: grow it and end production, or give production its image.

        >>> lab.promote("image")
        nodeapp-svc has 2 ready endpoints.
        ...
        """
        with status_line() as say:
            stages.promote(self._connection, way, say)
        return self.endpoints()

    def predict(self, question: str, value: Value) -> Table:
        """Say what you expect, before you look.

        >>> lab.predict("canary share", 0.25)
        Your prediction for canary share: 25 %.
        """
        return self._predictions.predict(question, value)

    def compare(self, question: str, seen: Value) -> Table:
        """What you expected beside what was seen.

        >>> lab.compare("canary share", 0.3)
        You said 25 %, we saw 30 %.
        """
        return self._predictions.compare(question, seen)

    def predictions(self) -> Table:
        """All your predictions and their outcomes.

        >>> lab.predictions()
        What you predicted, and what happened.
        question      you said  we saw
        canary share  25 %      30 %
        """
        return self._predictions.story()

    def reset(self, stage: stages.Stage = "empty") -> Table:
        """Bring the cluster to a state that a section starts from: empty, production, canary.

        >>> lab.reset("canary")
        The cluster is at: canary.
        """
        with status_line() as say:
            stages.bring_to(self._connection, stage, resources.folder("manifests"), say)
        return Table(f"The cluster is at: {stage}.")

    def close(self) -> Table:
        """Take away what the lessons made; the cluster itself stays for the next one.

        >>> lab.close()
        Your pods and Services are gone. The cluster runs on; `canarylab down` ends it.
        """
        self.reset("empty")
        self._service_urls.close()
        self._connection.close()
        self.stop_local()
        return Table(f"Your pods and Services are gone. {self.cluster.ending}")
