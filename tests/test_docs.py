"""What the documents say is true, and what a learner can reach is explained."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REACHABLE = (
    "canarylab.lab",
    "canarylab.stats",
    "canarylab.figures",
    "canarylab.figures.diagram",
    "canarylab.checks",
)
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
MACHINE_PATH = re.compile(r"(?<![\w:.~$}/])/(?:home|root|Users|work|mnt)/(?!node\b)[\w.-]+")
"""The official image of Node has a user `node`, whose home is the same in every container."""
BINDER_HOME = "/home/jovyan"  # the same on every Binder

in_git = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is not a git checkout")


def reachable() -> Iterator[tuple[str, Callable[..., object]]]:
    """Public functions, and public methods of public classes, of what a learner holds."""
    for name in REACHABLE:
        module = importlib.import_module(name)
        by_words = getattr(module, "CHECKS", {}).values()  # reached through `check("...")`
        names = getattr(module, "__all__", None) or list(vars(module))
        for thing in [getattr(module, each) for each in names]:
            if _is_public(thing, name) and thing not in by_words:
                yield from _callables(thing)


def _is_public(thing: object, module: str) -> bool:
    home = getattr(thing, "__module__", None) or ""
    named = getattr(thing, "__name__", "_")
    return f"{home}.".startswith(f"{module}.") and not named.startswith("_")


def _callables(thing: type | Callable[..., object]) -> Iterator[tuple[str, Callable[..., object]]]:
    if inspect.isfunction(thing):
        yield f"{thing.__module__}.{thing.__qualname__}", thing
    elif inspect.isclass(thing) and not issubclass(thing, Exception):
        for name, member in inspect.getmembers(thing, inspect.isfunction):
            if not name.startswith("_"):
                yield f"{thing.__module__}.{thing.__qualname__}.{name}", member


def tracked() -> list[Path]:
    """The files git knows, or would add."""
    files = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    git = ["git", "-c", "safe.directory=*", *files]
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def commands(document: Path) -> list[str]:
    """Every line of the shell blocks of a document, and every `make ...` in its text."""
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines: list[str] = [line for block in blocks for line in block.splitlines()]
    return [*lines, *re.findall(r"`((?:make|canarylab) [^`]+)`", text)]


def targets() -> set[str]:
    """What `make` can do."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_what_a_learner_can_reach_has_an_example() -> None:
    examples = {name: ">>> " in (inspect.getdoc(thing) or "") for name, thing in reachable()}

    assert len(examples) > 20
    assert [name for name, has_one in examples.items() if not has_one] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_command_in_the_documents_exists(document: Path) -> None:
    asked = {word for line in commands(document) for word in re.findall(r"\bmake ([a-z-]+)", line)}

    assert asked <= targets()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_files_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8"))
    inside = [link for link in links if not re.match(r"https?:|mailto:", link)]

    assert [link for link in inside if not (document.parent / link).exists()] == []


def test_every_target_of_make_is_in_its_help() -> None:
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert set(re.findall(r"^  make ([\w-]+)", said.stdout, re.MULTILINE)) == targets()


def test_the_files_of_the_diagram_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (diagram,) = re.findall(r"^```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    named = re.findall(r"[\w/]+/[\w/]*\.?\w*|\w+\.py", diagram)
    places = (ROOT, ROOT / "canarylab", ROOT / "canarylab" / "playground")

    assert len(named) > 10
    assert [name for name in named if not any((place / name).exists() for place in places)] == []


@in_git
def test_no_file_names_a_place_on_one_machine() -> None:
    found = {str(path.relative_to(ROOT)): _machine_paths(path) for path in tracked()}

    assert {name: paths for name, paths in found.items() if paths} == {}


@in_git
def test_no_lock_file_names_where_packages_were_downloaded_from() -> None:
    locks = [path for path in tracked() if path.name == "package-lock.json"]

    assert len(locks) > 1
    assert [str(path) for path in locks if '"resolved"' in path.read_text(encoding="utf-8")] == []


def _machine_paths(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:  # a picture
        return []
    return [place for place in MACHINE_PATH.findall(text) if not place.startswith(BINDER_HOME)]


# What docs/playground.md says of the playground names the tests that hold it.

PLAYGROUND = ROOT / "docs" / "playground.md"
TEST = re.compile(r"[\w/]*\btest_\w+(?:\.py)?|tests/[\w/]+\.(?:py|yaml)")


def statements() -> list[str]:
    """Each line of its lists, with the comment that ends it."""
    lists = re.split(
        r"^#.*$|\n\n(?!  )", PLAYGROUND.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    return [line for each in lists for line in re.split(r"^- ", each, flags=re.MULTILINE)[1:]]


def collected() -> set[str]:
    """The names of all tests, and of the files in tests/."""
    files = [path for path in (ROOT / "tests").rglob("*") if path.suffix in (".py", ".yaml")]
    functions = re.compile(r"^ *(?:async )?def (test_\w+)\(", re.MULTILINE)
    tests = [path.read_text(encoding="utf-8") for path in files if path.name.startswith("test_")]
    names = {name for text in tests for name in functions.findall(text)}
    return names | {path.relative_to(ROOT).as_posix() for path in files}


def test_each_line_about_the_playground_names_the_test_that_holds_it() -> None:
    said = statements()

    assert len(said) > 40
    assert [line for line in said if not TEST.search(line)] == []


def test_each_test_that_is_named_for_the_playground_exists() -> None:
    named = {name for line in statements() for name in TEST.findall(line)}
    there = collected()

    assert len(named) > 40
    assert {name for name in named if name not in there} == set()


def test_what_is_said_of_the_playground_is_the_same_differs_or_is_refused() -> None:
    parts = re.findall(r"^## (.*)$", PLAYGROUND.read_text(encoding="utf-8"), re.MULTILINE)

    assert parts == [
        "What is the same",
        "What differs, and why",
        "What is refused, and what is missing",
    ]
