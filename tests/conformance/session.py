"""A case: manifests, kubectl commands, and how a cluster answers them.

Each runs in a namespace and a folder of its own, with a kubeconfig of its own that names that
namespace, and leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.conformance.normalize import normalized_lines, normalized_tree

LONGEST = 120  # seconds for one command
NODEPORT_URL = "http://127.0.0.1:32089"


class Answer(NamedTuple):
    """What one command answered, normalized."""

    run: str
    exit: int
    out: Any
    """Lines, or an object where the case says `as: tree`."""
    err: list[str]


@dataclass(frozen=True)
class Step:
    """One command, and how to read what it says."""

    run: str
    mode: frozenset[str]
    timeout_s: float

    @classmethod
    def read(cls, written: str | dict[str, Any]) -> Step:
        """From the case file, where a plain string is a command read line by line."""
        step: dict[str, Any] = {"run": written} if isinstance(written, str) else written
        mode = frozenset(step.get("as", "lines").split())
        return cls(step["run"], mode, step.get("timeout_s", LONGEST))


@dataclass(frozen=True)
class Case:
    """One session."""

    name: str
    files: dict[str, str]
    steps: list[Step]

    @classmethod
    def read(cls, path: Path) -> Case:
        """From a file of cases/."""
        written = yaml.safe_load(path.read_text(encoding="utf-8"))
        steps = [Step.read(step) for step in written["steps"]]
        return cls(path.stem, written.get("files", {}), steps)


@dataclass(frozen=True)
class Target:
    """The cluster that is asked, and what it calls the images of the cases."""

    kubeconfig: Path
    kubectl: str = "kubectl"
    nodeport_url: str = NODEPORT_URL
    images: dict[str, str] = field(default_factory=dict)

    def in_its_words(self, text: str) -> str:
        """With the names of images that the cluster knows."""
        for ours, theirs in self.images.items():
            text = text.replace(ours, theirs)
        return text

    def in_our_words(self, text: str) -> str:
        """With the names of images that the case uses."""
        for ours, theirs in self.images.items():
            text = text.replace(theirs, ours)
        return text


class Shell:
    """Runs commands in a session's folder."""

    def __init__(self, folder: Path, target: Target) -> None:
        self._folder, self._target = folder, target
        self._environment = os.environ | {
            "KUBECONFIG": str(folder / "kubeconfig"),
            "KUBECACHEDIR": str(folder / "cache"),
            "NODEPORT_URL": target.nodeport_url,
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }

    def run(self, command: str, timeout_s: float = LONGEST) -> tuple[int, str, str]:
        """Exit status, output and errors; 124 when it took too long."""
        with subprocess.Popen(
            ["bash", "-c", self._target.in_its_words(command)],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                out, err = process.communicate(timeout=timeout_s)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return 124, "", f"no answer in {timeout_s} s"
        return process.returncode, self._target.in_our_words(out), self._target.in_our_words(err)


def run(case: Case, target: Target) -> list[Answer]:
    """Play the session and return what the cluster said at each step that counts."""
    namespace = f"conf-{case.name}"[:40]
    with _folder(case, target, namespace) as folder:
        shell = Shell(folder, target)
        shell.run(f"kubectl delete namespace {namespace} --ignore-not-found --timeout=90s")
        shell.run(f"kubectl create namespace {namespace}")
        try:
            answers = [_answer(step, shell, namespace) for step in case.steps]
        finally:  # the next session wants the same NodePort
            shell.run(f"kubectl delete namespace {namespace} --ignore-not-found --timeout=90s")
    return [answer for answer in answers if answer is not None]


@contextmanager
def _folder(case: Case, target: Target, namespace: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="conformance-") as name:
        folder = Path(name)
        for file, text in case.files.items():
            (folder / file).write_text(target.in_its_words(text), encoding="utf-8")
        config = yaml.safe_load(target.kubeconfig.read_text(encoding="utf-8"))
        for context in config["contexts"]:
            context["context"]["namespace"] = namespace
        (folder / "kubeconfig").write_text(yaml.safe_dump(config), encoding="utf-8")
        (folder / "kubeconfig").chmod(0o600)
        (folder / "bin").mkdir()
        (folder / "bin" / "kubectl").symlink_to(shutil.which(target.kubectl) or target.kubectl)
        yield folder


def _answer(step: Step, shell: Shell, namespace: str) -> Answer | None:
    code, out, err = shell.run(step.run, step.timeout_s)
    if "skip" in step.mode:
        return None
    if "quiet" in step.mode:
        return Answer(step.run, code, [], [])
    errors = normalized_lines(err, namespace, step.mode)
    if "tree" in step.mode:
        return Answer(step.run, code, _tree(out, step, namespace), errors)
    return Answer(step.run, code, normalized_lines(out, namespace, step.mode), errors)


def _tree(out: str, step: Step, namespace: str) -> Any:
    try:
        said = yaml.safe_load(out)
    except yaml.YAMLError as exc:
        return f"not YAML: {exc}"
    if "no-status" in step.mode and isinstance(said, dict):
        annotations = said.get("metadata", {}).get("annotations", {})
        annotations.pop("deployment.kubernetes.io/revision", None)
        said.pop("status", None)
    return normalized_tree(said, namespace)
