"""Instructions settle what an image is, as they do for Docker."""

from __future__ import annotations

import pytest

from canarylab.errors import DockerfileError
from canarylab.images.dockerfile import parse
from canarylab.images.settings import Settings, applied
from canarylab.playground.home import node_version


def settled(*lines: str, **given: str) -> Settings:
    """After these lines, on a node base unless they name one."""
    has_base = any(line.startswith("FROM") for line in lines)
    settings = Settings(given=given)
    for line in parse("\n".join(lines if has_base else ("FROM node", *lines))):
        settings = applied(settings, line)
    return settings


def test_env_keeps_what_it_was_given() -> None:
    assert settled("ENV A=b", "ENV C=$A-${A}").env == {"A": "b", "C": "b-b"}


def test_names_in_one_env_line_mean_what_they_meant_before_it() -> None:
    assert settled("ENV A=1", "ENV A=2 B=$A").env == {"A": "2", "B": "1"}


def test_an_argument_has_its_default() -> None:
    assert settled("ARG V=1.0", "ENV V=$V").env == {"V": "1.0"}


def test_the_caller_s_argument_wins_over_the_default() -> None:
    assert settled("ARG V=1.0", "ENV V=$V", V="2.0").env == {"V": "2.0"}


def test_an_argument_is_not_known_above_its_line() -> None:
    assert settled("ENV V=$V", "ARG V=1.0", V="2.0").env == {"V": ""}


def test_an_argument_without_any_value_is_empty_in_lines_and_absent_in_commands() -> None:
    settings = settled("ARG V", "ENV W=$V")

    assert settings.run_env == {"W": ""}


def test_env_wins_over_an_argument_of_the_same_name() -> None:
    assert settled("ENV V=env", "ARG V=arg", V="given").run_env == {"V": "env"}


def test_an_argument_before_from_is_known_to_from_alone() -> None:
    settings = settled("ARG TAG=24-slim", "ARG V=1", "FROM node:$TAG", "ENV V=$V")

    assert settings.env == {"V": ""}


def test_an_argument_before_from_can_be_asked_for_again() -> None:
    assert settled("ARG V=1", "FROM node", "ARG V", "ENV W=$V").env == {"W": "1"}


def test_several_arguments_fit_on_one_line() -> None:
    assert settled("ARG A B=2", A="1").run_env == {"A": "1", "B": "2"}


def test_every_argument_that_a_line_asks_for_is_known() -> None:
    assert settled("ARG A=1", "FROM node", "ARG B").declared == {"A", "B"}


def test_path_is_known_to_lines() -> None:
    assert settled("ENV PATH=/opt/bin:$PATH").env["PATH"].startswith("/opt/bin:/usr/local/sbin:")


def test_path_is_not_set_in_the_image_by_itself() -> None:
    assert settled("USER node").env == {}


def test_working_folders_add_up() -> None:
    assert settled("WORKDIR /usr", "WORKDIR src/app").working_dir == "/usr/src/app"


def test_a_working_folder_never_leaves_the_image() -> None:
    assert settled("WORKDIR ../../etc/..").working_dir == "/"


def test_a_command_may_be_replaced() -> None:
    assert settled('CMD ["a"]', 'CMD ["b", "$C"]').command == ("b", "$C")


def test_without_a_command_the_base_s_own_runs() -> None:
    assert settled("USER node").command == ("node",)


def test_an_entrypoint_does_without_the_base_s_command() -> None:
    settings = settled('ENTRYPOINT ["node", "a.js"]')

    assert (settings.entrypoint, settings.command) == (("node", "a.js"), ())


def test_an_entrypoint_keeps_the_command_of_this_file() -> None:
    assert settled('CMD ["--help"]', 'ENTRYPOINT ["a"]').command == ("--help",)


def test_the_rest_is_kept_for_whoever_asks() -> None:
    settings = settled("EXPOSE 3333 80/tcp", "EXPOSE 80", "USER node", "LABEL a=b", "STOPSIGNAL 2")

    assert settings.exposed_ports == (3333, 80)
    assert (settings.user, settings.labels) == ("node", {"a": "b"})
    assert settings.stop_signal == "SIGINT"


@pytest.mark.parametrize("name", ["SIGQUIT", "QUIT", "quit", "3"])
def test_a_signal_may_be_written_in_many_ways(name: str) -> None:
    assert settled(f"STOPSIGNAL {name}").stop_signal == "SIGQUIT"


@pytest.mark.parametrize(
    "base",
    ["node", "node:24-slim", "docker.io/library/node:24", "node:lts AS app", "node:24@sha256:ab"],
)
def test_a_node_base_is_the_node_from_pip(base: str) -> None:
    assert settled(f"FROM {base}").notes == ()


def test_another_version_of_node_is_noted() -> None:
    assert settled("FROM node:14-slim").notes == (
        f"node:14-slim asks for Node 14, and this image runs on Node {node_version()}.",
    )


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("FROM python:3.12", "Write FROM node:24-slim"),
        ("FROM scratch", "Write FROM node:24-slim"),
        ("FROM $NOTHING", "Write FROM node:24-slim"),
        ("FROM Node!", "Write FROM node:24-slim"),
        ("FROM node node", "Write FROM node:24-slim"),
        ("EXPOSE 53/udp", "as in EXPOSE 3333"),
        ("EXPOSE 3000-3005", "as in EXPOSE 3333"),
        ("EXPOSE 70000", "as in EXPOSE 3333"),
        ("EXPOSE $PORT", "as in EXPOSE 3333"),
        ("STOPSIGNAL SIGSTOPP", "as in STOPSIGNAL SIGTERM"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_write(line: str, remedy: str) -> None:
    with pytest.raises(DockerfileError, match=remedy):
        settled(line)
