"""What a cell shows of a mistake, in a real kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from canarylab.notebook_errors import UNFINISHED

SET_UP = """
import json
import kubernetes
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import ProtocolError
from canarylab.checks import check
from canarylab.judge import Judge
from canarylab.lab import Lab
from canarylab.display import Table
from canarylab.notebook_errors import show_short_messages
from canarylab.text import join_words
from canarylab.traffic import Sample
show_short_messages(Lab, Sample, Judge)
lab = Lab.__new__(Lab)
table = Table("Two pods.")

def missing():
    error = ApiException(status=404, reason="Not Found")
    error.body = json.dumps({"reason": "NotFound", "message": 'pods "x" not found'})
    raise error

def interrupted():
    yield "one"
    raise KeyboardInterrupt
"""
HINT = " (%tb shows the whole traceback.)"


class Kernel:
    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client

    def value(self, code: str, kind: str = "text/plain") -> str:
        """What is shown of the value of a cell."""
        shown: list[str] = []

        def note(message: dict[str, object]) -> None:
            content = message["content"]
            if message["msg_type"] == "execute_result" and isinstance(content, dict):
                shown.append(content["data"][kind])

        self._client.execute_interactive(code, timeout=60, output_hook=note)
        return "".join(shown)

    def error(self, code: str) -> str:
        """What is shown of the error that a cell raises."""
        shown: list[str] = []

        def note(message: dict[str, object]) -> None:
            content = message["content"]
            if message["msg_type"] == "error" and isinstance(content, dict):
                shown.extend(content["traceback"])

        self._client.execute_interactive(code, timeout=60, output_hook=note)
        return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(shown))


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        found = Kernel(client)
        assert found.error(SET_UP) == ""
        yield found
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            'lab.scale("nodeapp-canary")',
            "TypeError: Lab.scale() missing 1 required positional argument: 'replicas'. "
            "Call it as lab.scale(name, replicas).",
        ),
        (
            'lab.scal("nodeapp-canary", 2)',
            "AttributeError: A Lab has nothing called scal. Did you mean scale?",
        ),
        ("table.rowz", "AttributeError: A Table has nothing called rowz. Did you mean rows?"),
        (
            "kubernetes.client.CoreV1Api().read_namespaced_podd",
            "AttributeError: A CoreV1Api has nothing called read_namespaced_podd. "
            "Did you mean read_namespaced_pod or read_namespaced_pod_log or "
            "create_namespaced_pod?",
        ),
        (
            "kubernetes.client.CoreV1Api().delete_namespaced_deployment",
            "AttributeError: A CoreV1Api has nothing called delete_namespaced_deployment. "
            "AppsV1Api has it: lab.apps.delete_namespaced_deployment.",
        ),
        (
            "kubernetes.client.AppsV1Api().delete_deployment",
            "AttributeError: An AppsV1Api has nothing called delete_deployment. "
            "Did you mean delete_namespaced_deployment?",
        ),
        (
            "kubernetes.client.CoreV1Api().zzz",
            "AttributeError: A CoreV1Api has nothing called zzz. "
            "Press Tab after the dot for a list.",
        ),
        (
            "tabel",
            "NameError: name 'tabel' is not defined. Did you mean table? A text needs quotes; a "
            "variable is set by a cell above: run the cells from the heading of the section.",
        ),
        (
            'lab.run_locally("3.0", port="7777")',
            "ValueError: '7777' is not a port. "
            "Give a whole number from 1 to 65535, without quotes.",
        ),
        (
            'lab.build("4.0", port=7799)',
            "TypeError: Lab.build() got an unexpected keyword argument 'port'. "
            "Call it as lab.build(*versions, builder=None).",
        ),
        (
            "lab.run_locally(3.0, port=7777)",
            'ValueError: This is not a version: 3.0. Give a text in quotes, as in "2.0".',
        ),
        (
            'lab.run_locally("3.0", port=80000)',
            "ValueError: 80000 is not a port. Give a whole number from 1 to 65535, without quotes.",
        ),
        (
            "lab.get(3)",
            "ValueError: This is not a URL: 3. Give a text; a local run has it in .url.",
        ),
        (
            "table.adress",
            "AttributeError: A Table has nothing called adress. "
            "It has: columns, notes, rows, sentence.",
        ),
        (
            "none",
            "NameError: name 'none' is not defined. Did you mean None? A text needs quotes; a "
            "variable is set by a cell above: run the cells from the heading of the section.",
        ),
        (
            "fifty",
            "NameError: name 'fifty' is not defined. A text needs quotes; a variable is set by a "
            "cell above: run the cells from the heading of the section.",
        ),
        (
            "Sample.from_versions([]).plot(by='pods')",
            'ValueError: A sample is plotted by "version" or by "pod", not by "pods".',
        ),
        (
            "Judge(0.01, 0.5)",
            "TypeError: Judge.__init__() takes 1 positional argument but 3 were given. Call it as "
            "Judge(tolerance=0.02, alpha=0.05, slower_than_s=None).",
        ),
        (
            "people",
            "NameError: name 'people' is not defined. A text needs quotes; a variable is set by a "
            "cell above: run the cells from the heading of the section.",
        ),
        (
            "join_words(interrupted())",
            "KeyboardInterrupt: Interrupted. What the cell had changed by then stays as it is.",
        ),
        ("missing()", 'ApiException: Error from server (NotFound): pods "x" not found.'),
        (
            "raise ProtocolError('aborted')",
            "ProtocolError: The cluster does not answer. Is it running? `canarylab status` says, "
            "`canarylab up` starts it.",
        ),
        (
            "check(lab, 'the canary answers as expected', forty)",
            "not yet: forty is not there, because the cell that sets it has failed or was not run. "
            "Correct that cell, run it, and then run this one.",
        ),
        (
            "check(lab, 'the canary answers as expected', tabel)",
            "NameError: name 'tabel' is not defined. Did you mean table? A text needs quotes; a "
            "variable is set by a cell above: run the cells from the heading of the section.",
        ),
    ],
)
def test_a_mistake_is_one_message(kernel: Kernel, code: str, message: str) -> None:
    assert kernel.error(code) == message + HINT


def test_a_call_of_the_client_without_its_arguments_names_them(kernel: Kernel) -> None:
    shown = kernel.error("kubernetes.client.AppsV1Api().patch_namespaced_deployment('nodeapp')")

    assert "namespace" in shown
    assert "body" in shown
    assert "\n" not in shown


def test_a_file_that_is_missing_is_named_with_the_one_that_is_meant(kernel: Kernel) -> None:
    shown = kernel.error('lab.show("manifests/03-canry/canary.yaml")')

    assert shown.startswith(
        "ManifestError: There is no file manifests/03-canry/canary.yaml. "
        "Did you mean manifests/03-canary/canary.yaml"
    )


def test_a_file_that_is_missing_and_like_no_other_is_not_taken_for_one(kernel: Kernel) -> None:
    shown = kernel.error('lab.show("manifests/none.yaml")')

    assert "There is no file manifests/none.yaml. All are in the folder manifests/." in shown


def test_an_answer_without_a_kind_is_one_message_and_so_is_the_next_error(kernel: Kernel) -> None:
    body = {
        "reason": "Invalid",
        "message": "no number",
        "details": {"causes": [{"message": "no number"}]},
    }
    refused = f"error = ApiException(status=422); error.body = json.dumps({body!r}); raise error"

    assert kernel.error(refused) == "ApiException: Error from server (Invalid): no number." + HINT
    assert "\n" not in kernel.error("sampel")


def test_the_whole_traceback_is_still_there(kernel: Kernel) -> None:
    assert "\n" not in kernel.error('lab.scale("nodeapp-canary")')
    assert "Traceback (most recent call last)" in kernel.error("%tb")


def test_an_error_of_the_learner_s_own_code_keeps_its_traceback(kernel: Kernel) -> None:
    assert "Traceback (most recent call last)" in kernel.error("1 / 0")
    assert "Traceback (most recent call last)" in kernel.error("{}['missing']")


def test_an_error_inside_canarylab_that_is_no_wrong_argument_keeps_its_traceback(
    kernel: Kernel,
) -> None:
    assert "Traceback (most recent call last)" in kernel.error("lab.pods()")  # a half-made lab


def test_a_blank_that_is_left_says_so(kernel: Kernel) -> None:
    assert kernel.value("...  # your code here") == UNFINISHED
    assert kernel.value("...", "text/html") == f"<p>{UNFINISHED}</p>"
    assert kernel.value("[1]") == "[1]"
