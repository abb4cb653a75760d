"""`Lab`: the one object a notebook holds.

It hides what is not part of a lesson: which cluster is used, how it starts, where a Service is
reached, when the network has applied a change. What a lesson teaches goes through the official
client: `lab.apps`, `lab.core` and `lab.networking` are its API objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from canarylab import resources
from canarylab.clusters.base import advice_without_answer
from canarylab.clusters.choose import choose
from canarylab.display import (
    FileView,
    OutputAndReport,
    Report,
    Table,
    output_with_status_line,
    status_line,
)
from canarylab.errors import ApiRefusedError, ManifestError
from canarylab.figures.diagram import Diagram, draw_diagram
from canarylab.figures.diagram_content import DiagramContent
from canarylab.images.builder import (
    APP_NAME,
    LOCAL_PORTS,
    VERSIONS,
    Builder,
    BuildStep,
    LocalRun,
    app_reference,
)
from canarylab.images.choose import BuilderSelection
from canarylab.judge import Judge, Scenario, ThresholdJudge
from canarylab.judge.decision import AnyJudge, check_judge
from canarylab.kube_objects import Object
from canarylab.machine import format_size, own_memory
from canarylab.manifests import CANARY, CANARY_INGRESS, PRODUCTION, SERVICE, differences, load
from canarylab.notebook_errors import show_short_messages
from canarylab.playground.home import Home
from canarylab.ports import checked_port, is_held_by_parent, unused
from canarylab.predictions import Choices, Predictions, Value
from canarylab.release import faults, httproute, pod_exec, rollout, rollout_steps, stages
from canarylab.release.baseline import BASELINE
from canarylab.release.candidates import Candidate, deploy_candidate
from canarylab.release.connection import Connection
from canarylab.release.endpoints import (
    Endpoint,
    endpoints_table,
    pods_table,
    read_endpoints,
    read_pod_groups,
    read_services,
    ready_endpoints,
)
from canarylab.release.ingress import (
    HOST,
    IngressClient,
    RouteExplanation,
    diagram_routes,
    read_ingresses,
)
from canarylab.release.network_sync import apply_and_wait, wait_for_service
from canarylab.release.port_forward import sample_port_forward
from canarylab.release.release_state import check_steps, read_state, release_under_way
from canarylab.release.service_url import (
    ServiceUrl,
    ServiceUrls,
    sample_service,
    traffic_to_service,
)
from canarylab.release.staged_release import ReleaseResult, StagedRelease, check_requests
from canarylab.release.traffic_split import Step, split_for
from canarylab.text import count_noun, join_words
from canarylab.traffic import (
    Request,
    Sample,
    SampleInterrupted,
    Samples,
    SamplingPlan,
    Sweep,
)
from canarylab.traffic.background_traffic import BackgroundTraffic
from canarylab.traffic.http import HttpResponse, get
from canarylab.traffic.sample_series import (
    Ratio,
    check_ratios,
    measure_each,
    numbers_of_samples,
    ratio_label,
)
from canarylab.traffic.sample_tables import SampleTable
from canarylab.traffic.sampling_plan import MAX_DURATION_S

if TYPE_CHECKING:
    from canarylab.widgets.replica_board import ReplicaBoard
    from canarylab.widgets.route_explorer import RouteExplorer
    from canarylab.widgets.weight_slider import WeightSlider


Fields = Mapping[str, str] | None
"""Header fields or cookies, by name."""


class Lab:
    """A cluster to release on, with the verbs of the lessons.

    The examples in the docstrings run in order, on one cluster that is empty at first.
    """

    def __init__(self, cluster: str | None = None) -> None:
        show_short_messages(Lab, Sample, Judge, ThresholdJudge, Scenario)
        self.cluster, self._reason = choose(cluster)
        with status_line() as report:
            self.cluster.start(report)
        self._connection = Connection(
            self.cluster.kubeconfig,
            self.cluster.namespace,
            context=self.cluster.context,
            adapt=self.cluster.adapt_manifest,
            advice=advice_without_answer(self.cluster),
        )
        self._left = stages.names_left(self._connection)
        self._release = release_under_way(self._connection)
        self._builders = BuilderSelection(Home.of_user())
        self._service_urls = ServiceUrls(self._connection, self.cluster.addresses)
        self._ingress = IngressClient(self.cluster, self._connection)
        self._predictions = Predictions.of_this_notebook(Home.of_user())

    def __repr__(self) -> str:
        lines = [
            f"You are on {self._reason}.",
            f"For kubectl: export KUBECONFIG={self.cluster.kubeconfig}",
        ]
        if self._left:
            lines.append(f"From before: {join_words(self._left)}; `lab.reset()` deletes them.")
        if self._release:
            lines.append(self._release)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return Table(repr(self))._repr_html_()

    @property
    def apps(self) -> Any:
        """Deployments and ReplicaSets: `AppsV1Api` of the official client."""
        return self._connection.apps

    @property
    def core(self) -> Any:
        """Pods, Services, Events: `CoreV1Api` of the official client."""
        return self._connection.core

    @property
    def networking(self) -> Any:
        """Ingresses: `NetworkingV1Api` of the official client."""
        return self._connection.networking

    @property
    def namespace(self) -> str:
        """The namespace of everything that the lessons make."""
        return self._connection.namespace

    # Images and local containers

    def build(self, *versions: str, builder: Literal["docker", "process"] | None = None) -> Table:
        """Build the app's images, both versions if none is named, and show what there is.

        They are built with Docker where it answers, else without it. The builder that you name is
        used from then on.

        >>> lab.build("2.0", builder="process")
        Built from app/Dockerfile without Docker.
        ...
        """
        chosen = self._builders.use(builder)
        with status_line() as report:
            rows = [_build(chosen, version, report) for version in versions or VERSIONS]
            notes = [self.cluster.load_image(row[0], report) for row in rows]
        _show(dict.fromkeys(note for note in notes if note))
        way = f"{'without' if chosen.name == 'process' else 'with'} Docker"
        columns = ("image", "size", "steps reused", "took")
        return Table(f"Built from app/Dockerfile {way}.", columns, rows)

    def images(self) -> Table:
        """The app's images and their sizes, as `docker images` lists them.

        >>> lab.images()
        2 images of node_app.
        ...
        """
        found = self._builders.use().list_images()
        rows = [(each.reference, _short_id(each.id), _megabytes(each.size)) for each in found]
        return Table(
            f"{count_noun(len(rows), 'image')} of {APP_NAME}.", ("image", "id", "size"), rows
        )

    def image(self, version: str) -> str:
        """The name of an image in the cluster; with a registry, its name comes first.

        >>> lab.image("2.0")
        'node_app:2.0'
        """
        return self.cluster.image(app_reference(version))

    def run_locally(self, version: str, *, port: int | None = None) -> LocalRun:
        """Run one version on this machine, without a cluster: 1.0 on 8888, 2.0 on 9999.

        Where Jupyter itself has that port, as on Binder, another one is taken.

        >>> lab.run_locally("2.0")
        node_app:2.0 answers at http://127.0.0.1:9999
        >>> lab.run_locally("1.0")
        node_app:1.0 answers at http://127.0.0.1:8888
        """
        reference = app_reference(version)
        port = _local_port(version) if port is None else checked_port(port)
        return self._builders.run(reference, port=port)

    def local_runs(self) -> dict[str, LocalRun]:
        """What runs locally, by version.

        >>> sorted(lab.local_runs())
        ['1.0', '2.0']
        """
        return {run.reference.partition(":")[2]: run for run in self._builders.running()}

    def get(
        self, url: str, *, host: str | None = None, headers: Fields = None, cookies: Fields = None
    ) -> HttpResponse:
        """Send one request; the response as `curl -i` shows it. A path alone goes to the Ingress.

        >>> lab.get("http://127.0.0.1:8888").body
        '"Version 1.0"'
        >>> lab.get("/nowhere", host="foo.bar.com").status
        404
        """
        if not isinstance(url, str):
            raise ValueError(
                f"This is not a URL: {url!r}. Give a text; a local run has it in .url."
            )
        if url.startswith("/"):
            return self._ingress.get(url, _request(host or HOST, headers, cookies))
        return get(url, _request(host, headers, cookies))

    def stop_local(self) -> Table:
        """Stop what runs locally.

        >>> lab.stop_local()
        Free again: port 9999 and port 8888.
        """
        ports = self._builders.stop_all()
        return Table(f"Free again: {join_words(f'port {port}' for port in ports)}.")

    # Files

    def show(self, path: str, *, against: str | None = None) -> FileView:
        """A file, with `>` at the lines that differ from another one.

        >>> lab.show("manifests/03-canary/canary.yaml")
        manifests/03-canary/canary.yaml
        ...
        """
        text = _find_file(path).read_text()
        other = text if against is None else _find_file(against).read_text()
        title = path if against is None else f"{path}; lines marked > differ from {against}"
        return FileView(title, differences(other, text))

    def read(self, path: str) -> Object:
        """The first object in a manifest, as a dictionary to look at and to change.

        >>> lab.read("manifests/03-canary/canary.yaml")["kind"]
        'Deployment'
        """
        return load(_find_file(path))[0]

    def source(self, name: str) -> FileView:
        """A file of canarylab's own code, as it runs here.

        >>> lab.source("controllers/rollout").title
        'canarylab/playground/controllers/rollout.py'
        """
        file = resources.source_file(name)
        title = str(file.relative_to(resources.PACKAGE.parent))
        return FileView(title, [(line, False) for line in file.read_text().splitlines()])

    # The cluster

    def apply(self, manifest: str | Object) -> Table:
        """Create or change the objects of a file, or one object, as `kubectl apply -f` does.

        What is different on this cluster is printed at once.

        >>> lab.reset("02-production")
        The cluster is at: 02-production.
        >>> lab.apply("manifests/03-canary/canary.yaml")
        deployment.apps/nodeapp-canary created
        """
        objects = [manifest] if isinstance(manifest, dict) else load(_find_file(manifest))
        controller_notes = self._ingress.ensure_controller_for(objects)
        try:
            applied = apply_and_wait(self._connection, objects)
        except ApiRefusedError as exc:
            if explanation := httproute.explain_refusal(objects, exc):
                return Table(explanation)
            raise
        notes = [f"{each.name}: {note}" for each in applied for note in each.notes]
        _show([*controller_notes, *notes])
        return Table("\n".join(map(str, applied)))

    def wait_ready(self, name: str, *, timeout_s: float = rollout.ROLLED_OUT_TIMEOUT_S) -> Table:
        """Wait until a Deployment is rolled out, as `kubectl rollout status` does.

        >>> lab.wait_ready("nodeapp-canary")
        nodeapp-canary: 1 of 1 pods are ready
        """
        with status_line() as report:
            status = rollout.wait_until_rolled_out(
                self._connection, name, timeout_s=timeout_s, report=report
            )
        return Table(status.message)

    def watch_rollout(
        self, name: str, *, timeout_s: float = rollout.ROLLED_OUT_TIMEOUT_S
    ) -> SampleTable:
        """Wait as `wait_ready` does, and show each pod that starts, is ready, is ending or gone.

        The same as `kubectl get pods --watch` beside `kubectl rollout status`. The first rows are
        the pods that there were. `to_frame()` has the numbers.

        >>> lab.restart("nodeapp-canary")
        nodeapp-canary: its pods are being replaced.
        >>> steps = lab.watch_rollout("nodeapp-canary")
        >>> steps
        nodeapp-canary: never fewer than 1 ready pod, and never more than 2 pods that were not ...
        ...
        >>> int(steps.to_frame()["ready"].min())
        1
        """
        with status_line() as report:
            return rollout_steps.watch_rollout(
                self._connection, name, timeout_s=timeout_s, report=report
            )

    def restart(self, name: str) -> Table:
        """Replace the pods of a Deployment by new ones, as `kubectl rollout restart` does.

        >>> lab.restart("nodeapp-canary")
        nodeapp-canary: its pods are being replaced.
        >>> lab.wait_ready("nodeapp-canary")
        nodeapp-canary: 1 of 1 pods are ready
        """
        rollout.restart(self._connection, name)
        return Table(f"{name}: its pods are being replaced.")

    def deployment(self, name: str) -> Object:
        """A Deployment as plain JSON, as `kubectl get deployment NAME -o json` prints it.

        >>> lab.deployment("nodeapp-canary")["spec"]["replicas"]
        1
        """
        return rollout.read_deployment(self._connection, name)

    def replicas(self) -> dict[str, int]:
        """How many pods production and canary ask for; 0 where there is no such Deployment.

        >>> lab.replicas()
        {'nodeapp-production': 3, 'nodeapp-canary': 1}
        """
        found = rollout.replicas_of(self._connection)
        return {name: found.get(name, 0) for name in (PRODUCTION, CANARY)}

    def scale(self, name: str, replicas: int) -> Table:
        """Scale a Deployment and wait for its pods, as `kubectl scale` and `rollout status` do.

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
        return pods_table(self._connection)

    def endpoints(self, service: str = SERVICE) -> Table:
        """The pods behind a Service, from its EndpointSlices.

        >>> lab.endpoints("nodeapp-svc")
        nodeapp-svc has 3 ready endpoints.
        ...
        """
        return endpoints_table(service, read_endpoints(self._connection, service))

    def ready_endpoints(self, service: str = SERVICE) -> list[Endpoint]:
        """The endpoints that get traffic, as values to compute with.

        >>> [endpoint.version for endpoint in lab.ready_endpoints()]
        ['1.0', '1.0', '2.0']
        """
        return ready_endpoints(self._connection, service)

    def diagram(self) -> Diagram:
        """What is in the cluster now, as a picture: visitors, Ingresses, Services and pods.

        >>> lab.diagram()
        1 Service and 3 pods, of which 3 are ready.
        Visitors reach Service nodeapp-svc at node port 32089.
        Service nodeapp-svc selects app: nodeapp. It sends requests to 2 ready pods of ...
        """
        connection = self._connection
        routes = [
            *diagram_routes(read_ingresses(connection)),
            *httproute.diagram_routes(httproute.read_httproutes(connection)),
        ]
        return draw_diagram(
            DiagramContent(read_pod_groups(connection), read_services(connection), routes)
        )

    def url(self, name: str = SERVICE) -> str:
        """Where this machine reaches a Service, or an Ingress of that name.

        Of a Service, waits until its ready pods answer there.

        >>> lab.url("nodeapp-svc")
        'http://127.0.0.1:32089'
        """
        if self._ingress.exists(name):
            return self._ingress.url
        url = self._service_urls.find(name).url
        if self.ready_endpoints(name):
            wait_for_service(self._connection, name, url)
        return url

    def get_from_pod(self, pod: str, url: str) -> Table:
        """Send a request from inside a pod, as `kubectl exec POD -- curl URL` would.

        >>> canary = lab.ready_endpoints()[-1]
        >>> lab.get_from_pod(canary.pod, f"http://{canary.address}")
        "Version 2.0"
        """
        result = pod_exec.get_from_pod(self._connection, pod, url)
        return Table(result.output.strip(), notes=result.notes)

    def set_faults(
        self,
        pod: str,
        *,
        error_rate: float | None = None,
        latency_ms: float | None = None,
        latency_jitter_ms: float | None = None,
        latency_share: float | None = None,
    ) -> Table:
        """Make a share of a running pod's answers fail or slow; show what is set.

        For a Deployment's name, in each of its running pods. `error_rate` is the share of the
        answers that are a 500, from 0 to 1. A share `latency_share` of the answers takes
        `latency_ms` longer, uniformly more or less by up to `latency_jitter_ms`. What is not named
        stays as it is. A pod that starts later has the faults of its environment. Only pods with
        FAULTS=allowed in their environment let faults be set: `docs/app.md` says why.

        >>> made = lab.apply("manifests/09-judge/canary.yaml")
        >>> ready = lab.wait_ready("nodeapp-canary")
        >>> lab.set_faults("nodeapp-canary", error_rate=0.05)
        Set in 1 pod, until it ends.
        pod                ...  error_rate  latency_ms  latency_jitter_ms  latency_share
        nodeapp-canary-... 0.05        0           0                  1
        >>> lab.set_faults("nodeapp-canary", error_rate=2)
        Traceback (most recent call last):
        ValueError: error_rate is 2, which is not a share of the answers. Give a number from 0 ...
        >>> back = lab.set_faults("nodeapp-canary", error_rate=0)
        """
        given = {
            "error_rate": error_rate,
            "latency_ms": latency_ms,
            "latency_jitter_ms": latency_jitter_ms,
            "latency_share": latency_share,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        return faults.set_faults(self._connection, pod, changes)

    def sample(
        self,
        service: str = SERVICE,
        *,
        requests: int | None = None,
        keep_alive: int = 0,
        rate: float | None = None,
        seconds: float | None = None,
    ) -> Sample:
        """Send requests and count the answers of each version, once the network has settled.

        There are 200 requests, or as many as fit into `seconds`. With a `rate` in requests per
        second each is sent at its time, whether or not earlier ones were answered. The sample knows
        what its ready pods suggest, also if they change meanwhile.
        If you interrupt the cell, it has the answers until then.

        >>> sample = lab.sample("nodeapp-svc", requests=40)
        >>> sample.expected["2.0"]
        0.333...
        >>> lab.sample("nodeapp-svc", rate=100, seconds=0.5).total
        50
        """
        count = 200 if requests is None and seconds is None else requests
        plan = SamplingPlan(count=count, seconds=seconds, keep_alive=keep_alive, rate=rate)
        with _shown_if_interrupted() as interrupted, status_line() as report:
            return self._sample(service, plan, report)
        return interrupted[0]

    def sample_port_forward(self, service: str = SERVICE, *, requests: int = 200) -> Sample:
        """Send requests through `kubectl port-forward`, which runs until the last is answered.

        kubectl chooses one ready pod when it starts, so such a sample says nothing about shares.
        It needs kubectl on this machine.

        >>> pinned = lab.sample_port_forward("nodeapp-svc", requests=40)
        >>> sorted(pinned.by_pod.values())
        [0, 0, 40]
        """
        where = f"{self.cluster.name}, through kubectl port-forward"
        plan = SamplingPlan(count=requests)
        with _shown_if_interrupted() as interrupted, status_line() as report:
            sample = sample_port_forward(self._connection, service, plan, report)
            return replace(sample, cluster=where)
        return replace(interrupted[0], cluster=where)

    def traffic(
        self, service: str = SERVICE, *, rate: float = 200, keep_alive: int = 0
    ) -> AbstractContextManager[BackgroundTraffic]:
        """Send requests at a rate while the cells of a `with` block change something.

        It goes on for a second after the block, until the network has followed the last change.
        Then `traffic.sample` holds every request, the expected shares over time, and which pods
        were leaving when a request was lost.

        >>> with lab.traffic("nodeapp-svc", rate=50) as traffic:
        ...     scaled = lab.scale("nodeapp-production", 3)
        >>> traffic.sample.lost()
        No request was lost: all ... requests were answered.
        >>> traffic.sample.expectations[-1].versions
        {'1.0': 0.75, '2.0': 0.25}
        >>> scaled = lab.scale("nodeapp-production", 2)
        """
        plan = SamplingPlan(seconds=MAX_DURATION_S, rate=rate, keep_alive=keep_alive)
        found = self._service_urls.find(service)
        return traffic_to_service(
            self._connection, service, found.url, plan, lambda sample: self._placed(sample, found)
        )

    def sample_many(
        self, service: str = SERVICE, *, samples: int = 20, requests: int = 40
    ) -> Samples:
        """Take several samples of the same pods, to see how much they differ by chance.

        >>> many = lab.sample_many("nodeapp-svc", samples=3, requests=40)
        >>> len(many.samples), len(many.to_frame())
        (3, 3)
        >>> many.plot().title
        '... of 3 intervals contain... the expected 33 %'
        """
        plan, wanted = SamplingPlan(count=requests), numbers_of_samples(samples)
        with status_line() as report:
            found, interruption = measure_each(
                wanted,
                lambda number: self._sample(
                    service, plan, lambda text: report(f"Sample {number} of {samples}: {text}")
                ),
                "sample",
            )
        return Samples(tuple(found), interruption)

    def sweep(
        self, ratios: Sequence[Ratio], *, service: str = SERVICE, requests: int = 200
    ) -> Sweep:
        """Move production and canary through ratios of pods, and take a sample at each.

        The same as `kubectl scale` and `lab.sample` for each. Both stay at the last ratio.

        >>> sweep = lab.sweep([(1, 1), (2, 1)], requests=40)
        >>> sweep.labels
        ['1 : 1', '2 : 1']
        >>> sweep.to_frame()["expected"].to_list()
        [0.5, 0.333...]
        >>> print(sweep.left)
        The Deployments stay at 2 : 1; lab.reset("03-canary") brings back 3 : 1.
        >>> lab.sweep([(2, 1), (0, 0)])
        Traceback (most recent call last):
        ValueError: At the ratio 0 : 0 no pod is left to answer. Give at least one of the two a pod.
        """
        plan, wanted = SamplingPlan(count=requests), check_ratios(ratios)
        with status_line() as report:
            samples, interruption = measure_each(
                wanted, lambda ratio: self._sample_at(ratio, service, plan, report), "ratio"
            )
        left = ratio_label((self.replicas()[PRODUCTION], self.replicas()[CANARY]))
        return Sweep(
            tuple(samples),
            wanted[: len(samples)],
            interruption,
            f'The Deployments stay at {left}; lab.reset("03-canary") brings back 3 : 1.',
        )

    def promote(self, method: Literal["replicas", "image"]) -> Table:
        """Promote the canary: scale it up and production to 0, or give production its image.

        >>> lab.promote("image")
        nodeapp-svc has 2 ready endpoints.
        ...
        """
        with status_line() as report:
            stages.promote(self._connection, method, report)
        return self.endpoints()

    def release(
        self,
        steps: Sequence[Step],
        judge: AnyJudge | None = None,
        *,
        requests: int = 6_000,
        baseline: bool = False,
    ) -> ReleaseResult:
        """Release the canary in steps, and let a judge decide after each 200 requests.

        Steps are ratios of pods, production and canary, or weights of the canary Ingress in
        percent. Until the judge promotes, `requests` are sent at each step. After the last step
        production gets the canary's image. If the judge rolls back, a pod does not get ready, or
        you interrupt the cell, production is as it was, and the canary gets no traffic; with
        weights, requests with the header or the cookie of the canary Ingress still reach it.

        If the kernel restarts, the same call goes on where the release was. With a `baseline`, the
        canary is compared with pods of production's version that are as many and as new as its own:
        pods that have just started are slower than those that have answered for long.

        >>> made = lab.reset("03-canary")
        >>> released = lab.release([(3, 1), (2, 2)], ThresholdJudge(promote_after=200))
        Step 1 of 2, pods 3 : 1:
          kubectl scale deployment nodeapp-production --replicas=3
          kubectl scale deployment nodeapp-canary --replicas=1
          After 200 requests: Promote: the canary fails in 0 % of ...
        Step 2 of 2, pods 2 : 2:
        ...
        Promoted:
          kubectl set image deployment nodeapp-production nodeapp=node_app:2.0
        ...
        >>> released.outcome, lab.replicas()
        ('promoted', {'nodeapp-production': 3, 'nodeapp-canary': 0})
        """
        wanted, limit, decider = check_steps(steps), check_requests(requests), check_judge(judge)
        with output_with_status_line(print) as output:
            name = BASELINE if baseline else ""
            staged = self._staged_release(wanted, decider, output, baseline=name)
            return staged.run(wanted, limit)

    def deploy_candidate(self, candidate: Candidate, *, seed: int | None = None) -> Table:
        """Run a candidate of lesson 09 as the canary, one pod with faults that are not shown.

        A, B, C and D differ in kind; how bad each is, is drawn anew, or by the seed. The faults are
        in the ConfigMap nodeapp-canary-faults.

        >>> made = lab.reset("09-production")
        >>> lab.deploy_candidate("A")
        Candidate A is the canary. nodeapp-canary: 1 of 1 pods are ready
        """
        manifests, random = resources.folder("manifests"), Random(seed)
        with status_line() as report:
            deploy_candidate(self._connection, candidate, manifests, random, report)
        return Table(f"Candidate {candidate} is the canary. {self.wait_ready(CANARY).sentence}")

    def abort_release(self) -> ReleaseResult:
        """Take a release back that is under way: production as it was, no traffic for the canary.

        With weights, requests with the header or the cookie of the canary Ingress still reach it.

        >>> made = lab.reset("03-canary")
        >>> lab.abort_release()
        Traceback (most recent call last):
        canarylab.errors.ClusterError: No release is under way here. ...
        """
        state = read_state(self._connection)
        with output_with_status_line(print) as output:
            return self._staged_release(state.steps if state else (), Judge(), output).abort()

    # Ingress and Gateway API. The host is only ever a header: the name is not looked up.

    def explain_route(
        self, path: str = "/", *, host: str = HOST, headers: Fields = None, cookies: Fields = None
    ) -> RouteExplanation:
        """Where the rules of the Ingresses send such a request, and why. Nothing is sent.

        >>> lab.explain_route("/nowhere")
        No Ingress names this host, so the rules without a host apply.
        No rule matches this path and there is no defaultBackend for it, ...
        """
        return self._ingress.explain(path, _request(host, headers, cookies))

    def sample_ingress(
        self,
        path: str = "/",
        *,
        requests: int = 200,
        host: str = HOST,
        headers: Fields = None,
        cookies: Fields = None,
    ) -> Sample:
        """Send such a request often and count the responses, beside what the rules suggest.

        >>> lab.sample_ingress("/nowhere")
        Traceback (most recent call last):
        canarylab.errors.ClusterError: The rules send such a request to no pod, ...
        """
        request = _request(host, headers, cookies)
        with _shown_if_interrupted() as interrupted, status_line() as report:
            return self._ingress.sample(path, request, requests=requests, report=report)
        return interrupted[0]

    def set_weight(self, percent: int, ingress: str = CANARY_INGRESS) -> Table:
        """Set the share of requests that the canary Ingress takes, from 0 to 100.

        The same as `kubectl annotate --overwrite ingress NAME
        nginx.ingress.kubernetes.io/canary-weight=PERCENT`.

        >>> for name in ("services", "ingress", "canary"):
        ...     made = lab.apply(f"manifests/07-weights/{name}.yaml")
        >>> lab.set_weight(50)
        ingress-canary takes 50 of 100 requests.
        """
        self._ingress.set_weight(percent, ingress)
        return Table(f"{ingress} takes {percent} of 100 requests.")

    def wait_accepted(self, route: str) -> Table:
        """Wait until a Gateway serves an HTTPRoute, and name its controller, if there is one.

        The same as looking at `kubectl get httproute NAME -o jsonpath={.status.parents}`.

        >>> for name in ("06-ingress/services", "08-gateway-api/gateway"):
        ...     made = lab.apply(f"manifests/{name}.yaml")
        >>> made = lab.apply("manifests/08-gateway-api/httproute.yaml")
        >>> lab.wait_accepted("nodeapp-split")
        nodeapp-split is served by canarylab.dev/gateway-controller.
        """
        if reason := httproute.why_not_served(self._connection, route):
            return Table(reason)
        found = httproute.read_httproute(self._connection, route)
        controllers = httproute.accepting_controllers(found)
        notes = httproute.unresolved_references(found)
        return Table(f"{route} is served by {join_words(controllers)}.", notes=notes)

    def sample_httproute(
        self, route: str, *, requests: int = 200, headers: Fields = None
    ) -> Sample:
        """Send requests to the host of an HTTPRoute and count the answers, beside its weights.

        If no controller serves the route, nothing is sent.

        >>> lab.sample_httproute("nodeapp-split", requests=10).total
        10
        """
        place = f"{self.cluster.name}, by HTTPRoute {route}"
        with _shown_if_interrupted() as interrupted:
            sample = httproute.sample_httproute(
                *(self._connection, self._ingress.url_of_route, route),
                *(SamplingPlan(count=requests), headers),
            )
            return replace(sample, cluster=place)
        return replace(interrupted[0], cluster=place)

    # Widgets; ipywidgets and matplotlib are slow to import.

    def replica_board(self) -> ReplicaBoard:
        """Sliders for the pods of production and canary, with the traffic that follows.

        >>> lab.replica_board().close()
        """
        from canarylab.widgets.replica_board import ReplicaBoard  # noqa: PLC0415

        return ReplicaBoard(self)

    def route_explorer(self, path: str = "/", *, host: str = HOST) -> RouteExplorer:
        """Fields for a request: where the rules send it, why, and which pod answers.

        >>> lab.route_explorer("/canary").close()
        """
        from canarylab.widgets.route_explorer import RouteExplorer  # noqa: PLC0415

        return RouteExplorer(self._ingress, path=path, host=host)

    def weight_slider(self, ingress: str = CANARY_INGRESS, *, path: str = "/") -> WeightSlider:
        """A slider for the weight of a canary Ingress, with the traffic that follows.

        >>> lab.weight_slider().close()
        """
        from canarylab.widgets.weight_slider import WeightSlider  # noqa: PLC0415

        return WeightSlider(self._ingress, ingress, path=path)

    # Predictions

    def predict(self, question: str, value: Value, *, choices: Choices = ()) -> Table:
        """Note what you expect, before you see it; `...` stands for no prediction.

        A question about a share takes a number from 0 to 1. The choices are words, or a range of
        whole numbers: `choices=range(201)`.

        >>> lab.predict("canary share", 0.25)
        Your prediction for canary share: 25 %.
        """
        return self._predictions.predict(question, value, choices)

    def compare(
        self,
        question: str,
        seen: float | str | Sample,
        *,
        expected: float | str | None = None,
        why: str = "",
    ) -> Table:
        """Your prediction beside what was to be expected and what was seen.

        Of a sample, that is the share of version 2.0, or the number of its answers if the question
        has not the word share.

        >>> lab.compare("canary share", 0.3, expected=0.25, why="one pod of four")
        You said 25 %, and that is right.
        Expected: 25 % (one pod of four).
        Seen: 30 %.
        """
        return self._predictions.compare(question, seen, expected=expected, why=why)

    def predictions(self) -> Table:
        """All predictions of this notebook and their outcomes.

        >>> lab.predictions()
        What you predicted, and what happened.
        question      you said  expected                seen
        canary share  25 %      25 % (one pod of four)  30 %
        """
        return self._predictions.table()

    # Begin and end

    def reset(self, stage: stages.Stage = "empty") -> Table:
        """Bring the cluster to a state that a section starts from: empty, 02-production, 03-canary.

        At 09-production, one answer of production in a hundred is an error.

        >>> lab.reset("03-canary")
        The cluster is at: 03-canary.
        """
        with status_line() as report:
            stages.reset_to(self._connection, stage, resources.folder("manifests"), report)
        return Table(f"The cluster is at: {stage}.")

    def close(self) -> Table:
        """Delete what the lessons made; the cluster itself stays for the next one.

        >>> lab.close()
        Deleted: ... pods. The cluster runs on; `canarylab down` ends it.
        Kernel, Shut Down Kernel in the menu frees ... of memory.
        """
        deleted = [count_noun(pods, "pod")] if (pods := len(self.pods().rows)) else []
        self.reset("empty")
        self._service_urls.close()
        self._connection.close()
        freed = [f"port {port}" for port in self._builders.stop_all()]
        ended = f"Deleted: {', '.join(deleted)}. " if deleted else ""
        ended += f"Free again: {join_words(freed)}. " if freed else ""
        memory = f"frees {format_size(own_memory())} of memory"
        note = f"Kernel, Shut Down Kernel in the menu {memory}."
        return Table(f"{ended}{self.cluster.stop_instructions}", notes=(note,))

    def _sample(self, service: str, plan: SamplingPlan, report: Report) -> Sample:
        found = self._service_urls.find(service)
        try:
            sample = sample_service(self._connection, service, found.url, plan, report)
        except SampleInterrupted as exc:
            exc.sample = self._placed(exc.sample, found)
            raise
        return self._placed(sample, found)

    def _placed(self, sample: Sample, found: ServiceUrl) -> Sample:
        """The sample with where it was measured."""
        is_direct = found.balanced_per == "connection"
        where = self.cluster.name
        if not is_direct:
            where += f", through {found.description}"
        return replace(sample, cluster=where, balanced_per=found.balanced_per)

    def _staged_release(
        self,
        steps: Sequence[Step],
        judge: AnyJudge,
        output: OutputAndReport,
        *,
        baseline: str = "",
    ) -> StagedRelease:
        def sample(requests: int) -> Sample:
            return self._sample(SERVICE, SamplingPlan(count=requests), output.report)

        split = split_for(steps, self._connection, sample, self._ingress, baseline)
        return StagedRelease(self._connection, split, judge, output)

    def _sample_at(self, ratio: Ratio, service: str, plan: SamplingPlan, report: Report) -> Sample:
        def report_ratio(text: str) -> None:
            report(f"{ratio_label(ratio)}: {text}")

        production, canary = ratio
        stages.move_pods(
            self._connection, production=production, canary=canary, report=report_ratio
        )
        return self._sample(service, plan, report_ratio)


def _request(host: str | None, headers: Fields, cookies: Fields) -> Request:
    return Request(host=host, headers=headers or {}, cookies=cookies or {})


def _show(notes: Iterable[str]) -> None:
    """Print notes at once: the last value of a cell shows its own, and no other value does."""
    with output_with_status_line(print) as (write, _):
        for note in notes:
            write(note)


@contextmanager
def _shown_if_interrupted() -> Iterator[list[Sample]]:
    """Give a list. Ctrl-C ends the `with` block and puts the sample so far into it."""
    found: list[Sample] = []
    try:
        yield found
    except SampleInterrupted as exc:
        found.append(exc.sample)
        _show(exc.sample.notes)


def _build(builder: Builder, version: str, report: Report) -> tuple[str, str, str, str]:
    steps: list[BuildStep] = []
    image = builder.build(version, steps.append, report)
    made = [step for step in steps if step.makes_files]
    reused, seconds = sum(step.cached for step in made), sum(step.seconds for step in steps)
    return image.reference, _megabytes(image.size), f"{reused} of {len(made)}", f"{seconds:.1f} s"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


def _short_id(identity: str) -> str:
    """The id as `docker images` shows it."""
    return identity.removeprefix("sha256:")[:12]


def _local_port(version: str) -> int:
    port = LOCAL_PORTS.get(version)
    if port is None:
        raise ValueError(f"Version {version} has no port of its own. Name one with `port=`.")
    return unused() if is_held_by_parent(port) else port


def _find_file(path: str) -> Path:
    """A path as a reader types it, relative to the notebook's folder or to the repository."""
    direct = Path(path)
    first, _, rest = path.partition("/")
    if not direct.exists() and first in {"app", "manifests"}:
        direct = resources.folder("app" if first == "app" else "manifests") / rest
    if direct.is_file():
        return direct
    names = {each.removesuffix(".yaml"): each for each in resources.manifest_names()}
    name = path.removeprefix("manifests/").removesuffix(".yaml").removesuffix(".yml")
    close = [f"manifests/{names[each]}" for each in get_close_matches(name, names, n=2, cutoff=0.5)]
    hint = f"Did you mean {' or '.join(close)}?" if close else "All are in the folder manifests/."
    raise ManifestError(f"There is no file {path}. {hint}")
