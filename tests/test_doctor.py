"""`canarylab doctor`: its checks, what follows from them, and how it is shown."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from canarylab import doctor, machine, ports
from canarylab.cli import app
from canarylab.clusters.kind import kind_program
from canarylab.doctor import (
    Capability,
    Check,
    Diagnosis,
    Memory,
    binder,
    capabilities,
    inotify,
    kubeconfig,
    kubectl,
    memory_finding,
    nodejs,
    port_findings,
    proxy,
    python,
    run_checks,
    usable_memory,
)
from canarylab.errors import SetupError
from canarylab.machine import GB, Finding, State, loopback
from canarylab.playground import daemon_control
from canarylab.playground.home import Home
from canarylab.playground.nodejs import nodejs_version
from canarylab.ports import PortHolder
from tests.fakes.engine import listening
from tests.fakes.state import FakeState
from tests.needs import needs
from tests.no_docker import install, no_engine, programs

__all__ = ["no_engine", "programs"]

THINGS = (
    "Python Node.js kubectl loopback Docker cgroups kind memory inotify proxy Binder kubeconfig"
)


def run_doctor(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """On a machine where nothing is installed and nothing is set, but what the test says."""
    programs = home / "programs"
    programs.mkdir(parents=True, exist_ok=True)
    bare = {
        "HOME": str(home),
        "PATH": str(programs),
        "CANARYLAB_HOME": str(home / "lab"),
        "DOCKER_HOST": f"unix://{home}/none.sock",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    return subprocess.run(
        [sys.executable, "-m", "canarylab", "doctor", *words],
        env={**bare, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


class TestCommand:
    @needs("linux")
    def test_a_machine_with_nothing_but_python_can_run_the_playground(self, tmp_path: Path) -> None:
        done = run_doctor(tmp_path, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        said = json.loads(done.stdout)
        assert set(THINGS.split()) <= {found["what"] for found in said["findings"]}
        states = {found["what"]: found["state"] for found in said["findings"]}
        assert (states["Docker"], states["kind"], states["Python"]) == (
            "missing",
            "missing",
            "fine",
        )
        can_run = {cluster["cluster"]: cluster["can_run"] for cluster in said["clusters"]}
        assert (can_run["kind"], can_run["kubeconfig"]) == (False, False)
        assert said["chosen"].startswith("A lesson takes the playground, because")

    def test_where_nothing_can_run_the_status_is_1(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
        monkeypatch.setattr(machine, "loopback", lambda: loopback("192.0.2.1"))  # nobody's

        done = CliRunner().invoke(app, ["doctor"])

        assert done.exit_code == 1
        assert "no       playground" in done.stdout

    def test_it_fits_a_terminal_without_colour(self, tmp_path: Path) -> None:
        lines = run_doctor(tmp_path).stdout.splitlines()
        short = [line for line in lines if str(tmp_path) not in line and sys.executable not in line]
        assert max(map(len, short)) < 80
        assert "\x1b" not in "".join(lines)

    def test_a_choice_that_nobody_knows_is_said(self, tmp_path: Path) -> None:
        done = run_doctor(tmp_path, CANARYLAB_CLUSTER="minikube")
        assert '"minikube"' in done.stdout

    def test_programs_and_an_engine_that_hang_are_findings(self, tmp_path: Path) -> None:
        (tmp_path / "programs").mkdir()
        for name in ("kind", "kubectl"):
            install(tmp_path / "programs", name, "exec /bin/sleep 60")
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.bind(f"{tmp_path}/deaf.sock")
            deaf.listen()
            done = run_doctor(tmp_path, "--json", DOCKER_HOST=f"unix://{tmp_path}/deaf.sock")
        words = {found["what"]: found["words"] for found in json.loads(done.stdout)["findings"]}
        assert words["kind"] == "kind did not say its version in time"
        assert words["kubectl"].endswith("does not say its version")
        assert "answer" in words["Docker"]

    def test_the_context_that_kubectl_would_use_is_named(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        file = tmp_path / "config"
        file.write_text(
            "current-context: class\ncontexts:\n- {name: class, context: {namespace: seat-7}}\n"
        )
        monkeypatch.setenv("KUBECONFIG", str(file))
        found = kubeconfig()
        assert (found.state, found.words) == (
            "fine",
            "The current context is class, namespace seat-7",
        )

    def test_a_kubeconfig_that_is_none_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "config").write_text("just words")
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        found = kubeconfig()
        assert (found.state, found.words) == (
            "missing",
            f"{tmp_path / 'config'} is not a kubeconfig",
        )
        assert found.remedy == "Correct it, or set KUBECONFIG to another file."


FINE = Finding("kind", "fine", "kind is here", "the kind cluster")


class TestChecks:
    def test_findings_come_in_the_order_of_the_checks(self) -> None:
        first_may_answer = threading.Event()

        def late() -> list[Finding]:
            assert first_may_answer.wait(10)
            return [FINE._replace(what="late")]

        def early() -> list[Finding]:
            first_may_answer.set()
            return [FINE, FINE]

        asked = [Check("late", "", late), Check("early", "", early)]
        assert [found.what for found in run_checks(asked, deadline_s=10)] == [
            "late",
            "kind",
            "kind",
        ]

    def test_who_does_not_answer_is_a_finding_and_costs_the_others_nothing(self) -> None:
        never = threading.Event()

        def hang() -> list[Finding]:
            never.wait()
            return []

        asked = [Check("Docker", "containers", hang), Check("kind", "", lambda: [FINE])]
        try:
            dead, fine = run_checks(asked, deadline_s=0.1)
        finally:
            never.set()
        assert (dead.what, dead.state, dead.words) == (
            "Docker",
            "missing",
            "Docker does not answer",
        )
        assert dead.needed_for == "containers"
        assert fine == FINE

    def test_what_a_busy_machine_did_not_check_is_not_missing(self) -> None:
        never = threading.Event()

        def late() -> list[Finding]:
            never.wait()
            return []

        try:
            (found,) = run_checks([Check("ports", "", late, is_of_machine=True)], deadline_s=0.1)
        finally:
            never.set()
        assert (found.state, found.words) == ("note", "ports not checked in time")

    def test_a_mistake_of_ours_is_not_hidden(self) -> None:
        def wrong() -> list[Finding]:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            run_checks([Check("Docker", "", wrong)], deadline_s=10)


PYTHON = Finding("Python", "fine", "Python 3.12.1 (/usr/bin/python3)", "everything")


KIND = Finding("kind", "missing", "kind is not installed", "the kind cluster", "Get it `so`.")


KUBECTL = Finding("kubectl", "note", "kubectl 1.32 is installed", "a terminal", "It works.")


YES = Capability("playground", can_run=True, why="everything that it needs is here")


NO = Capability("kind", can_run=False, why="missing: kind")


class TestDiagnosis:
    def test_every_thing_has_a_line_that_begins_with_a_word(self) -> None:
        said = str(Diagnosis([PYTHON, KIND, KUBECTL], [YES, NO], "A lesson takes the playground"))
        assert said.splitlines() == [
            "fine     Python      Python 3.12.1 (/usr/bin/python3)",
            "missing  kind        kind is not installed",
            "         Needed for the kind cluster. Get it `so`.",
            "note     kubectl     kubectl 1.32 is installed",
            "         It works.",
            "",
            "What can run here:",
            "yes      playground  everything that it needs is here",
            "no       kind        missing: kind",
            "",
            "A lesson takes the playground.",
        ]

    def test_no_line_is_wider_than_a_terminal(self) -> None:
        long = Finding("Docker", "missing", "word " * 40, "thing " * 30, "remedy " * 30)
        assert max(map(len, str(Diagnosis([long], [NO], "a reason " * 30)).splitlines())) < 80

    def test_a_command_stays_in_one_piece(self) -> None:
        command = "`curl -Lo kind https://kind.sigs.k8s.io/dl/v0.33.0/kind-linux-amd64`"
        found = KIND._replace(remedy=f"Get it with {command}, then look.")
        assert command in str(Diagnosis([found], [], ""))

    def test_a_long_name_does_not_touch_its_words(self) -> None:
        found = PYTHON._replace(what="disk for all of kind")
        assert "disk for all of kind Python 3.12.1" in str(Diagnosis([found], [], ""))

    def test_json_says_the_same(self) -> None:
        said = json.loads(json.dumps(Diagnosis([KIND], [YES], "the playground").to_dict()))
        assert said == {
            "findings": [
                {
                    "what": "kind",
                    "state": "missing",
                    "words": "kind is not installed",
                    "needed_for": "the kind cluster",
                    "remedy": "Get it `so`.",
                }
            ],
            "clusters": [
                {
                    "cluster": "playground",
                    "can_run": True,
                    "why": "everything that it needs is here",
                }
            ],
            "chosen": "the playground",
        }

    def test_one_cluster_that_can_run_is_enough(self) -> None:
        assert Diagnosis([], [NO, YES], "").can_run
        assert not Diagnosis([], [NO, NO], "").can_run


ALL: tuple[str, ...] = (
    *(
        "Python",
        "Node.js",
        "kubectl",
        "loopback",
        "pod root",
        "Docker",
        "cgroups",
        "kind",
        "disk",
        "memory",
    ),
    *("inotify", "proxy", "Binder", "kubeconfig"),
)


def found_with(**states: State) -> list[Finding]:
    """All fine, but for what is named; `port_8080` means port 8080."""
    named = {name.replace("_", " "): state for name, state in states.items()}
    return [Finding(what, named.pop(what, "fine"), "", "") for what in ALL] + [
        Finding(what, state, "", "") for what, state in named.items()
    ]


def can_run(findings: list[Finding], *, has_kind: bool = False) -> set[str]:
    said = capabilities(findings, has_kind_cluster=has_kind)
    assert [each.cluster for each in said] == ["playground", "kind", "kubeconfig"]
    return {each.cluster for each in said if each.can_run}


class TestCapabilities:
    def test_where_all_is_fine_everything_can_run(self) -> None:
        assert can_run(found_with()) == {"playground", "kind", "kubeconfig"}

    def test_notes_stand_in_nobodys_way(self) -> None:
        notes = found_with(kubectl="note", inotify="note", Binder="note", memory="note")
        assert can_run(notes) == {"playground", "kind", "kubeconfig"}

    @pytest.mark.parametrize(
        ("missing", "left"),
        [
            ("Python", set()),
            ("memory", set()),
            ("disk", {"kubeconfig"}),
            ("Node.js", {"kind", "kubeconfig"}),
            ("loopback", {"kind", "kubeconfig"}),
            ("Docker", {"playground", "kubeconfig"}),
            ("docker", {"playground", "kubeconfig"}),
            ("cgroups", {"playground", "kubeconfig"}),
            ("kind", {"playground", "kubeconfig"}),
            ("disk_for_kind", {"playground", "kubeconfig"}),
            ("port_8080", {"playground", "kubeconfig"}),
            ("port_32089", {"playground", "kubeconfig"}),
            ("kubeconfig", {"playground", "kind"}),
        ],
    )
    def test_what_is_missing_stops_those_who_need_it(self, missing: str, left: set[str]) -> None:
        states: dict[str, State] = {missing: "missing"}
        assert can_run(found_with(**states)) == left

    def test_the_playground_on_its_port_stops_only_a_new_kind_cluster(self) -> None:
        running = found_with(port_32089="note")
        assert can_run(running) == {"playground", "kubeconfig"}
        assert can_run(running, has_kind=True) == {"playground", "kind", "kubeconfig"}

    def test_everything_in_the_way_is_named_once(self) -> None:
        missing = found_with(Docker="missing", kind="missing", port_8080="missing")
        (_, kind, _) = capabilities(missing, has_kind_cluster=False)
        assert kind.why == "missing: Docker, kind, port 8080"


@pytest.fixture
def holders(monkeypatch: pytest.MonkeyPatch) -> dict[int, PortHolder | None]:
    """Who holds which port, in place of this machine's programs."""
    held: dict[int, PortHolder | None] = {}
    monkeypatch.setattr(ports, "is_free", lambda number: number not in held)
    monkeypatch.setattr(ports, "holder", held.get)
    monkeypatch.setattr(ports, "is_held_by_parent", lambda number: held.get(number) == PARENT)
    monkeypatch.setattr(daemon_control, "holder_of_lock", lambda home: 7)
    monkeypatch.setattr(ports, "is_held_by", lambda pid, number: _pid(held.get(number)) == pid)
    return held


PARENT = PortHolder("python3", 3)


def _pid(holder: PortHolder | None) -> int | None:
    return holder.pid if holder else None


def ports_found(*, has_kind: bool = False) -> list[Finding]:
    return port_findings(Home(Path("home")), has_kind=has_kind)


class TestPorts:
    def test_free_ports_share_a_line(self, holders: dict[int, PortHolder | None]) -> None:
        assert [str(each) for each in ports_found()] == ["8888, 9999, 32089 and 8080 are free."]

    def test_a_port_that_is_taken_has_a_line_of_its_own(
        self, holders: dict[int, PortHolder | None]
    ) -> None:
        holders |= {8080: PortHolder("nginx", 12)}
        taken, free = ports_found()
        assert (taken.what, taken.state) == ("port 8080", "missing")
        assert taken.words == "Port 8080 is in use by nginx (pid 12)"
        assert str(free) == "8888, 9999 and 32089 are free."

    @pytest.mark.parametrize("holder", [PARENT, PortHolder("jupyter-lab", 12)])
    def test_jupyter_may_keep_its_port(
        self, holder: PortHolder, holders: dict[int, PortHolder | None]
    ) -> None:
        holders |= {8888: holder}
        assert (ports_found()[0].state, ports_found()[0].remedy) == (
            "note",
            "Lesson 01 then uses another port.",
        )

    def test_a_container_is_named(
        self,
        holders: dict[int, PortHolder | None],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        holders |= {8080: PortHolder("docker-proxy", 12)}
        engine = FakeState(tmp_path)
        engine.set(published={"shop": 8080})
        with listening(engine) as address:
            monkeypatch.setenv("DOCKER_HOST", address)
            taken = ports_found()[0]
        assert str(taken) == (
            "Port 8080 is in use by the container shop. Stop it with `docker stop shop`."
        )

    def test_lesson_one_may_still_run(self, holders: dict[int, PortHolder | None]) -> None:
        holders |= {8888: PortHolder("node", 12), 9999: PortHolder("node", 13)}
        assert [each.state for each in ports_found()] == ["note", "note", "fine"]

    def test_the_playground_may_have_its_port(self, holders: dict[int, PortHolder | None]) -> None:
        holders |= {32089: PortHolder("python3", 7)}
        assert str(ports_found()[0]) == "Port 32089 is in use by the playground, which is right."

    @pytest.mark.parametrize("holder", [PortHolder("docker-proxy", 12), None])
    def test_the_kind_cluster_may_have_its_ports(
        self,
        holder: PortHolder | None,
        holders: dict[int, PortHolder | None],
    ) -> None:
        holders |= {32089: holder, 8080: holder}
        assert [each.state for each in ports_found(has_kind=True)] == ["note", "note", "fine"]
        assert [each.state for each in ports_found()] == ["missing", "missing", "fine"]

    def test_another_program_on_the_port_of_kind_is_named_even_so(
        self, holders: dict[int, PortHolder | None]
    ) -> None:
        holders |= {8080: PortHolder("nginx", 12)}
        assert ports_found(has_kind=True)[0].state == "missing"

    def test_one_free_port_is_one(self, holders: dict[int, PortHolder | None]) -> None:
        holders |= dict.fromkeys((8888, 9999, 32089), PortHolder("node", 12))
        assert str(ports_found()[-1]) == "Port 8080 is free."


class TestKind:
    @pytest.mark.parametrize("version", ["0.33.0", "0.33.1", "0.34.0", "1.0.0"])
    def test_this_release_and_later_ones_are_fine(self, programs: Path, version: str) -> None:
        install(programs, "kind", f"echo kind v{version} go1.26.3 linux/amd64")
        found = kind_program()
        assert (found.state, str(found)) == ("fine", f"kind {version} is installed.")

    @pytest.mark.parametrize("version", ["0.32.9", "0.9.0"])
    def test_an_older_one_is_missing_what_the_node_image_needs(
        self, programs: Path, version: str
    ) -> None:
        install(programs, "kind", f"echo kind v{version} go1.26.3 linux/amd64")
        found = kind_program()
        assert (found.state, found.words) == ("missing", f"kind {version} is older than 0.33.0")

    @pytest.mark.parametrize("said", ["kind v0.33.0-alpha+1f2d go1.26.3 linux/amd64", "hello", ""])
    def test_what_is_no_release_is_repeated(self, programs: Path, said: str) -> None:
        install(programs, "kind", f"echo '{said}'")
        found = kind_program()
        assert found.state == "missing"
        assert f'kind says "{said[:60] or "nothing"}"'.replace('""', '"') in found.words

    def test_no_kind_is_missing(self, programs: Path) -> None:
        found = kind_program()
        assert (found.state, found.words) == ("missing", "kind is not installed")
        assert found.needed_for == "the kind cluster"

    def test_a_kind_that_hangs_is_given_up(self, programs: Path) -> None:
        install(programs, "kind", "exec /bin/sleep 60")
        assert kind_program(timeout_s=0.1).words == "kind did not say its version in time"

    def test_a_kind_of_another_machine_cannot_be_run(self, programs: Path) -> None:
        (programs / "kind").write_bytes(b"\x7fELF of another processor")
        (programs / "kind").chmod(0o755)
        found = kind_program()
        assert (found.state, "cannot be run" in found.words) == ("missing", True)

    @pytest.mark.parametrize(
        ("here", "way"),
        [("Linux", "curl"), ("WSL", "curl"), ("macOS", "brew"), ("Windows", "winget")],
    )
    def test_how_to_get_it_depends_on_the_system(
        self,
        here: machine.System,
        way: str,
        programs: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(machine, "this_system", lambda: here)
        assert f"`{way} " in kind_program().remedy


def says(version: str) -> str:
    return f"""echo '{{"clientVersion": {{"gitVersion": "{version}"}}}}'"""


class TestKubectl:
    @pytest.mark.parametrize("version", ["v1.35.0", "v1.36.2+k3s1", "v1.37.1"])
    def test_one_minor_version_apart_is_fine(self, programs: Path, version: str) -> None:
        install(programs, "kubectl", says(version))
        assert kubectl().state == "fine"

    def test_an_older_one_that_was_tried_is_a_note(self, programs: Path) -> None:
        install(programs, "kubectl", says("v1.32.4-dispatcher"))
        found = kubectl()
        assert (found.state, found.words) == ("note", "kubectl 1.32 is installed")
        assert "The lessons work with it. Kubernetes 1.36" in found.remedy

    def test_a_very_old_one_is_told_what_will_not_work(self, programs: Path) -> None:
        install(programs, "kubectl", says("v1.27.0"))
        assert kubectl().remedy.startswith("Its exec and port-forward need 1.31")

    @pytest.mark.parametrize("script", ["exit 1", "echo nonsense", "echo {}", "echo []"])
    def test_one_that_does_not_say_its_version_stands_in_nobodys_way(
        self,
        programs: Path,
        script: str,
    ) -> None:
        install(programs, "kubectl", script)
        found = kubectl()
        assert (found.state, "does not say its version" in found.words) == ("note", True)

    def test_none_at_all_stands_in_nobodys_way(self, programs: Path) -> None:
        found = kubectl()
        assert (found.state, found.words) == ("note", "kubectl is not installed")
        assert "https://kubernetes.io/docs/tasks/tools/" in found.remedy


@pytest.fixture(autouse=True)
def _no_limit_of_jupyterhub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEM_LIMIT", raising=False)


def cgroup_files(root: Path, cgroups: str, files: dict[str, str]) -> Path:
    """A system with these control groups."""
    for name, text in {"proc/self/cgroup": cgroups, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")
    return root


class TestMemory:
    def test_without_a_limit_the_machine_counts(self, tmp_path: Path) -> None:
        assert usable_memory(tmp_path).limit is None
        unlimited = cgroup_files(tmp_path, "0::/", {"sys/fs/cgroup/memory.max": "max"})
        assert usable_memory(unlimited).limit is None

    def test_the_limit_of_a_container_counts(self, tmp_path: Path) -> None:
        container = cgroup_files(tmp_path, "0::/", {"sys/fs/cgroup/memory.max": "1000000"})
        assert usable_memory(container).usable == 1_000_000

    def test_the_tightest_limit_around_us_counts(self, tmp_path: Path) -> None:
        nested = cgroup_files(
            tmp_path,
            "0::/class/seat7",
            {
                "sys/fs/cgroup/class/memory.max": "2000000",
                "sys/fs/cgroup/class/seat7/memory.max": "max",
            },
        )
        assert usable_memory(nested).usable == 2_000_000

    def test_the_memory_limit_of_cgroup_v1_is_read(self, tmp_path: Path) -> None:
        old = cgroup_files(
            tmp_path,
            "5:cpu:/box\n4:memory:/box\n0::/",
            {
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
                "sys/fs/cgroup/memory/box/memory.limit_in_bytes": "3000000",
            },
        )
        assert usable_memory(old).usable == 3_000_000

    def test_the_limit_that_binder_names_counts(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("MEM_LIMIT", "4000000")
        assert usable_memory(tmp_path).usable == 4_000_000

    @pytest.mark.parametrize(
        ("found", "state", "words"),
        [
            (Memory(16 * GB, 9 * GB), "fine", "16.0 GB of memory, 9.0 GB of it free"),
            (Memory(16 * GB, 9 * GB, limit=GB), "note", "1.0 GB of memory, the limit set here"),
            (Memory(GB // 4, GB // 8), "missing", "250 MB of memory, 125 MB of it free"),
        ],
    )
    def test_what_can_run_with_so_much_is_said(self, found: Memory, state: str, words: str) -> None:
        said = memory_finding(found)
        assert (said.state, said.words) == (state, words)
        assert bool(said.remedy) == (state != "fine")


class TestSmallFindings:
    def test_python_is_named_with_its_place(self) -> None:
        found = python()
        assert (found.state, sys.executable in found.words) == ("fine", True)

    def test_a_python_that_is_too_old_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "version_info", (3, 10, 14))
        found = python()
        assert (found.state, found.words.startswith("Python 3.10.14")) == ("missing", True)

    def test_node_comes_with_pip(self) -> None:
        found = nodejs()
        assert (found.state, found.words) == ("fine", f"Node.js {nodejs_version()} came with pip")

    def test_a_missing_node_is_told_how_to_come(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def none() -> Path:
            raise SetupError("")

        monkeypatch.setattr(doctor, "nodejs_bin", none)
        found = nodejs()
        assert (found.state, "pip install nodejs" in found.remedy) == ("missing", True)

    @pytest.mark.parametrize(("most", "state"), [(512, "fine"), (128, "note")])
    def test_few_inotify_instances_are_a_note(self, most: int, state: str, tmp_path: Path) -> None:
        (tmp_path / "limit").write_text(f"{most}\n")
        found = inotify(tmp_path / "limit")
        assert (found.state, str(most) in found.words) == (state, True)

    def test_a_system_without_inotify_is_fine(self, tmp_path: Path) -> None:
        assert inotify(tmp_path / "none").state == "fine"

    @pytest.mark.parametrize(
        ("environment", "state", "words"),
        [
            ({}, "fine", "No proxy is set"),
            (
                {"https_proxy": "http://p:1", "no_proxy": "127.0.0.1"},
                "fine",
                "HTTPS_PROXY is set, and",
            ),
            ({"HTTPS_PROXY": "http://p:1"}, "note", "`requests` would send requests to the proxy"),
            ({"ALL_PROXY": "socks5://p:1", "NO_PROXY": "a.org"}, "note", "ALL_PROXY is set"),
            ({"HTTP_PROXY": ""}, "fine", "No proxy is set"),
        ],
    )
    def test_what_a_proxy_would_be_asked_is_said(
        self,
        environment: dict[str, str],
        state: str,
        words: str,
    ) -> None:
        found = proxy(environment)
        assert (found.state, words in found.words) == (state, True)
        assert ("NO_PROXY=127.0.0.1" in found.remedy) == (state != "fine")

    @pytest.mark.parametrize(
        "name", ["BINDER_LAUNCH_HOST", "BINDER_REPO_URL", "BINDER_SERVICE_HOST"]
    )
    def test_binder_keeps_nothing(self, name: str) -> None:
        found = binder({name: "https://mybinder.org/"})
        assert (found.state, "keeps no files" in found.words) == ("note", True)

    def test_elsewhere_everything_stays(self) -> None:
        assert binder({}).state == "fine"
