"""The command line as a person types it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from canarylab import __version__, resources, runtime, stats
from canarylab.manifests import load
from canarylab.release.apply import apply
from canarylab.release.connection import Connection
from canarylab.traffic import RequestResult
from tests.needs import needs
from tests.running_playground import RunningPlayground, running_playground

Done = subprocess.CompletedProcess[str]


def canarylab(*words: str, environment: Mapping[str, str] | None = None) -> Done:
    return subprocess.run(
        [sys.executable, "-m", "canarylab", *words],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


@needs("linux")
def test_without_a_playground_status_says_so_and_fails(tmp_path: Path) -> None:
    done = canarylab("status", environment={"CANARYLAB_HOME": str(tmp_path)})
    said = "The playground is not running. Start it with `canarylab up`.\n"
    assert (done.returncode, done.stdout) == (1, said)


@needs("linux")
def test_kubeconfig_prints_a_path_that_works(playground: RunningPlayground) -> None:
    done = canarylab("kubeconfig", environment=playground.environment)
    assert (done.stdout, done.stderr) == (f"{playground.kubeconfig}\n", "")


@needs("linux")
def test_kubeconfig_without_a_playground_prints_the_path_and_what_is_missing(
    tmp_path: Path,
) -> None:
    done = canarylab("kubeconfig", environment={"CANARYLAB_HOME": str(tmp_path)})
    assert done.stdout == f"{tmp_path / 'playground.kubeconfig'}\n"
    assert "`canarylab up`" in done.stderr


@needs("linux")
def test_url_prints_where_a_service_answers(
    playground: RunningPlayground, connection: Connection
) -> None:
    apply(connection, load(resources.folder("manifests") / "02-production" / "service.yaml"))
    done = canarylab("url", environment=playground.environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout in {"http://127.0.0.1:32089\n", f"{playground.node_port_url}\n"}


@needs("linux")
def test_url_prints_where_an_ingress_answers(
    playground: RunningPlayground, connection: Connection
) -> None:
    apply(connection, load(resources.folder("manifests") / "06-ingress" / "ingress.yaml"))
    done = canarylab("url", "ingress-prod-canary", environment=playground.environment)
    assert (done.stdout, done.stderr) == (f"{playground.running.ingress_url}\n", "")


@needs("linux")
def test_url_of_a_name_that_both_have_is_that_of_the_service(
    playground: RunningPlayground, connection: Connection
) -> None:
    [ingress] = load(resources.folder("manifests") / "06-ingress" / "ingress.yaml")
    ingress["metadata"]["name"] = "nodeapp-svc"
    apply(connection, load(resources.folder("manifests") / "02-production" / "service.yaml"))
    apply(connection, [ingress])
    urls = {
        name: canarylab("url", name, environment=playground.environment).stdout.strip()
        for name in ("nodeapp-svc", "service/nodeapp-svc", "ingress/nodeapp-svc")
    }
    assert urls["nodeapp-svc"] == urls["service/nodeapp-svc"]
    assert urls["nodeapp-svc"] in {"http://127.0.0.1:32089", playground.node_port_url}
    assert urls["ingress/nodeapp-svc"] == playground.running.ingress_url


@needs("linux")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ingress/nowhere", 'Namespace default has no Ingress "nowhere".'),
        ("pod/nowhere", "Only a Service or an Ingress has a URL, not pod/nowhere."),
    ],
)
def test_url_of_what_has_none_says_why(
    name: str, words: str, playground: RunningPlayground
) -> None:
    done = canarylab("url", name, environment=playground.environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr


@needs("linux")
def test_url_of_what_is_not_there_is_refused(playground: RunningPlayground) -> None:
    done = canarylab("url", "nowhere", environment=playground.environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert 'Namespace default has no Service or Ingress "nowhere".' in done.stderr


@needs("linux")
def test_url_of_another_namespace(playground: RunningPlayground, connection: Connection) -> None:
    done = canarylab("url", "nowhere", "-n", "kube-public", environment=playground.environment)
    assert "Namespace kube-public has no Service" in done.stderr


@needs("linux")
def test_url_without_a_playground_says_so(tmp_path: Path) -> None:
    done = canarylab("url", environment={"CANARYLAB_HOME": str(tmp_path)})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "The playground is not running. Start it with `canarylab up`.\n"


@needs("linux")
def test_up_finds_the_running_playground(playground: RunningPlayground) -> None:
    done = canarylab("up", environment=playground.environment)
    assert f"export KUBECONFIG={playground.kubeconfig}" in done.stdout


@needs("linux")
def test_down_keeps_the_objects_and_up_says_so(tmp_path: Path) -> None:
    with running_playground(tmp_path, images=False) as playground:
        with closing(Connection(playground.kubeconfig)) as connection:
            connection.core.create_namespaced_service(
                "default", {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
            )
        down = canarylab("down", environment=playground.environment)
        up = canarylab("up", environment=playground.environment)
        forget = canarylab("down", "--forget", environment=playground.environment)
        empty = canarylab("up", environment=playground.environment)
    assert "Its objects are kept; `canarylab down --forget` removes them." in down.stdout
    assert "it had from before: services 1." in up.stdout
    assert "`lab.reset()`" in up.stdout
    assert "Its objects are removed." in forget.stdout
    assert "from before" not in empty.stdout


@needs("linux")
def test_a_stopped_playground_is_said_to_be_stuck_and_ends(tmp_path: Path) -> None:
    with running_playground(tmp_path, images=False) as playground:
        os.kill(playground.running.pid, signal.SIGSTOP)
        status = canarylab("status", environment=playground.environment)
        down = canarylab("down", environment=playground.environment)
    assert "does not answer. End it with `canarylab down`" in status.stdout
    assert down.returncode == 0


def test_only_the_playground_forgets(tmp_path: Path) -> None:
    done = canarylab(
        "down", "--forget", "--cluster", "kind", environment={"CANARYLAB_HOME": str(tmp_path)}
    )
    assert done.returncode == 2
    assert "--forget works for the playground only" in done.stderr


@needs("linux")
def test_build_says_what_it_built(playground: RunningPlayground) -> None:
    done = canarylab("build", environment=playground.environment)
    assert done.returncode == 0
    assert "node_app:1.0 is built" in done.stdout
    assert "node_app:2.0 is built" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sample", "http://127.0.0.1:1"), "There is no answer at http://127.0.0.1:1"),
        (("sample", "127.0.0.1:80"), "does not start with http"),
        (("sample", "http://127.0.0.1:1", "--count", "0"), "The number of requests cannot be 0"),
        (("sample", "http://127.0.0.1:1", "--count", "1", "--seconds", "1"), "both"),
        (("sample", "http://127.0.0.1:1", "--rate", "0"), "rate cannot be 0"),
        (("sample", "http://127.0.0.1:1", "--header", "X"), "'X' is not a header. Write a name"),
        (("sample", "http://127.0.0.1:1", "--cookie", "=1"), "'=1' is not a cookie. Write a name"),
        (
            ("sample", "http://127.0.0.1:1", "--version-pattern", "("),
            "'(' is not a regular expression",
        ),
    ],
)
def test_what_cannot_be_done_is_one_clear_message(words: tuple[str, ...], said: str) -> None:
    done = canarylab(*words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_unknown_cluster_is_named_with_the_known_ones(tmp_path: Path) -> None:
    environment = {"CANARYLAB_CLUSTER": "moon", "CANARYLAB_HOME": str(tmp_path)}
    done = canarylab("tour", "--out", str(tmp_path), environment=environment)
    assert done.returncode == 1
    assert 'no kind of cluster called "moon"' in done.stderr


@needs("linux")
@pytest.mark.slow
@pytest.mark.usefixtures("local_ports")
def test_the_tour_plays_the_whole_story(playground: RunningPlayground, tmp_path: Path) -> None:
    done = canarylab(
        *("tour", "--out", str(tmp_path), "--requests", "200"), environment=playground.environment
    )
    failed = [line for line in done.stdout.splitlines() if line.startswith("! ")]
    assert len(failed) <= 1, done.stdout  # by bad luck one in 2,000 tours, two in 10 million
    assert done.returncode == len(failed), done.stdout + done.stderr
    assert done.stdout.count(", expected ") == 7
    assert {path.name for path in tmp_path.iterdir()} == {"split.png", "pods.png", "sweep.png"}


class _Site(BaseHTTPRequestHandler):
    """Answers as an app that is not the lessons' one: with what was asked of it."""

    protocol_version = "HTTP/1.1"
    answered = 0

    def do_GET(self) -> None:
        type(self).answered += 1
        names = ("Host", "X-Canary", "Cookie")
        body = f"build 7 for {' '.join(self.headers.get(name, '') for name in names)}".encode()
        self.send_response({"/broken": 500, "/missing": 404}.get(self.path, 200))
        self.send_header("X-App", self.headers.get("X-Canary", "blue"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of such an app."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        thread = runtime.in_background(server.serve_forever, name="site")
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def sampled(*words: str, status: int = 0) -> Any:
    """The summary of a sample."""
    done = canarylab("sample", *words, "--json")
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def test_a_summary_counts_each_version_with_its_interval(site: str) -> None:
    summary = sampled(site, "--count", "20", "--version-header", "x-app")
    interval = stats.wilson(20, 20)
    assert summary["versions"] == {
        "blue": {"hits": 20, "share": 1.0, "low": interval.low, "high": interval.high}
    }
    assert (summary["url"], summary["total"], summary["failed"]) == (site, 20, {})
    assert summary["rate_per_s"] == pytest.approx(20 / summary["seconds"])


def test_the_body_names_the_version_by_a_pattern(site: str) -> None:
    summary = sampled(site, "--count", "5", "--version-pattern", r"build (\d+)")
    assert list(summary["versions"]) == ["7"]


def test_header_cookie_and_host_reach_the_server(site: str) -> None:
    words = ("--header", "X-Canary: always", "--cookie", "tester=1", "--host", "foo.bar.com")
    summary = sampled(site, "--count", "5", *words, "--version-pattern", "build 7 for (.*)")
    assert list(summary["versions"]) == ["foo.bar.com always tester=1"]


def test_a_summary_without_a_version_says_where_it_was_looked_for(site: str) -> None:
    summary = sampled(site, "--count", "5")
    assert summary["versions"] == {}
    assert summary["notes"] == [
        "None of 5 answers names a version. It was looked for in the header X-Version, then as the "
        "word version and a number after it in the body."
    ]


def test_without_a_version_there_is_a_sentence_and_no_interval(site: str) -> None:
    said = canarylab("sample", site, "--count", "5").stdout
    assert "None of 5 answers names a version. It was looked for in the header X-Version" in said
    assert "other" not in said
    assert "interval" not in said


def test_failed_requests_are_counted_by_kind(site: str) -> None:
    summary = sampled(f"{site}broken", "--count", "5", status=1)
    assert (summary["failed"], summary["versions"]) == ({"status 500": 5}, {})


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (
            (),
            "For an Ingress that has a host, name it, as in `--host foo.bar.com`; "
            "otherwise correct the path of the URL.",
        ),
        (("--host", "a.b"), "Correct the host a.b, or the path of the URL."),
    ],
)
def test_a_url_that_is_not_found_is_told_with_a_remedy(
    site: str, words: tuple[str, ...], advice: str
) -> None:
    done = canarylab("sample", f"{site}missing", "--count", "5", *words)
    assert (done.returncode, done.stdout) == (
        1,
        f"5 requests to {site}missing: no request was answered without an error; 5 requests "
        f"failed: status 404 5.\n{advice}\n",
    )


def test_other_errors_have_no_advice_about_the_url(site: str) -> None:
    done = canarylab("sample", f"{site}broken", "--count", "5", "--host", "a.b")
    assert "Correct the host" not in done.stdout


def test_the_version_is_printed() -> None:
    done = canarylab("--version")
    assert (done.returncode, done.stdout) == (0, f"canarylab {__version__}\n")


def test_an_interrupted_sample_shows_what_it_has(site: str) -> None:
    command = [sys.executable, "-m", "canarylab", "sample", site, "--count", "200000"]
    before = _Site.answered
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sampling:
        assert runtime.wait_until(lambda: _Site.answered - before > 100, timeout_s=60)
        sampling.send_signal(signal.SIGINT)
        shown, _ = sampling.communicate()
    assert sampling.returncode == 130
    assert re.search(r"Interrupted after [\d,]+ of 200,000 requests\.", shown), shown


def test_every_answer_can_have_a_line(site: str) -> None:
    words = ("--count", "20", "--rate", "500", "--version-header", "X-App")
    done = canarylab("sample", site, *words, "--json", "--answers")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["version"] for each in answers] == ["blue"] * 20
    assert {*answers[0]} == {
        *("when_s", "latency_s", "version", "pod", "status", "failure", "connection"),
        *("first_byte_s", "late_s"),
    }


def test_a_line_for_each_answer_is_json(site: str) -> None:
    done = canarylab("sample", site, "--answers")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--answers works together with --json only" in done.stderr


def test_what_the_summary_holds_is_documented(site: str) -> None:
    page = (Path(__file__).parent.parent / "docs" / "sample-json.md").read_text()
    summary = sampled(site, "--count", "5", "--version-header", "X-App")
    assert all(f"| `{name}` |" in page for name in summary)
    assert all(f"versions.*.{name}`" in page for name in summary["versions"]["blue"])
    assert all(f"`{name}`" in page for name in RequestResult._fields)
