"""What each instruction of a Dockerfile sets, and which stages are built."""

from __future__ import annotations

import pytest

from canarylab.errors import DockerfileError
from canarylab.images.dockerfile import parse
from canarylab.images.image_config import ENTRYPOINT, ImageConfig, apply_instruction, plan
from canarylab.playground.images import architecture
from canarylab.playground.nodejs import nodejs_version


def settled(*lines: str, **given: str) -> ImageConfig:
    """After these lines, on a node base unless they name one."""
    has_base = any(line.startswith("FROM") for line in lines)
    config = ImageConfig(given=given)
    for line in parse("\n".join(lines if has_base else ("FROM node", *lines))):
        config = apply_instruction(config, line)
    return config


def test_env_values_are_expanded_and_kept() -> None:
    assert settled("ENV A=b", "ENV C=$A-${A}").env == {"A": "b", "C": "b-b"}


def test_variables_in_an_env_line_have_the_values_before_it() -> None:
    assert settled("ENV A=1", "ENV A=2 B=$A").env == {"A": "2", "B": "1"}


def test_an_argument_has_its_default() -> None:
    assert settled("ARG V=1.0", "ENV V=$V").env == {"V": "1.0"}


def test_the_caller_s_argument_wins_over_the_default() -> None:
    assert settled("ARG V=1.0", "ENV V=$V", V="2.0").env == {"V": "2.0"}


def test_an_argument_is_not_known_above_its_line() -> None:
    assert settled("ENV V=$V", "ARG V=1.0", V="2.0").env == {"V": ""}


def test_an_argument_without_any_value_is_empty_in_lines_and_absent_in_commands() -> None:
    config = settled("ARG V", "ENV W=$V")

    assert config.run_env == {"W": ""}


def test_env_wins_over_an_argument_of_the_same_name() -> None:
    assert settled("ENV V=env", "ARG V=arg", V="given").run_env == {"V": "env"}


def test_an_argument_before_from_is_known_to_from_alone() -> None:
    config = settled("ARG TAG=24-slim", "ARG V=1", "FROM node:$TAG", "ENV V=$V")

    assert config.env == {"V": ""}


def test_an_argument_before_from_can_be_declared_again() -> None:
    assert settled("ARG V=1", "FROM node", "ARG V", "ENV W=$V").env == {"W": "1"}


def test_several_arguments_fit_on_one_line() -> None:
    assert settled("ARG A B=2", A="1").run_env == {"A": "1", "B": "2"}


def test_every_declared_argument_is_known() -> None:
    assert settled("ARG A=1", "FROM node", "ARG B").declared == {"A", "B"}


def test_path_can_be_expanded() -> None:
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
    config = settled('ENTRYPOINT ["node", "a.js"]')

    assert (config.entrypoint, config.command) == (("node", "a.js"), ())


def test_an_entrypoint_keeps_the_command_of_this_file() -> None:
    assert settled('CMD ["--help"]', 'ENTRYPOINT ["a"]').command == ("--help",)


def test_ports_user_labels_and_stop_signal_are_kept() -> None:
    config = settled("EXPOSE 3333 80/tcp", "EXPOSE 80", "USER node", "LABEL a=b", "STOPSIGNAL 2")

    assert config.exposed_ports == (3333, 80)
    assert (config.user, config.labels) == ("node", {"a": "b"})
    assert config.stop_signal == "SIGINT"


@pytest.mark.parametrize("name", ["SIGQUIT", "QUIT", "quit", "3"])
def test_a_signal_may_be_written_in_many_ways(name: str) -> None:
    assert settled(f"STOPSIGNAL {name}").stop_signal == "SIGQUIT"


@pytest.mark.parametrize(
    "base",
    ["node", "node:24-slim", "docker.io/library/node:24", "node:lts AS app", "node:24@sha256:ab"],
)
def test_node_base_images_need_no_note(base: str) -> None:
    assert settled(f"FROM {base}").notes == ()


def test_another_version_of_node_is_noted() -> None:
    assert settled("FROM node:14-slim").notes == (
        f"node:14-slim names Node.js 14, and this image runs on Node.js {nodejs_version()}.",
    )


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("FROM python:3.12", "Write FROM node:24-slim"),
        ("FROM scratch", "Write FROM node:24-slim"),
        ("FROM $NOTHING", "Write FROM node:24-slim"),
        ("FROM Node!", "Write FROM node:24-slim"),
        ("FROM node node", "Write FROM node:24-slim"),
        ("EXPOSE 3005-3000", "as in EXPOSE 3333"),
        ("HEALTHCHECK curl", "Write HEALTHCHECK CMD"),
        ("COPY --from=nginx a b", "Name a stage"),
        ("COPY --from=0 a b", "Name a stage"),
        ("RUN --mount=from=nginx,target=/a b", "Name a stage"),
        ("EXPOSE 70000", "as in EXPOSE 3333"),
        ("EXPOSE $PORT", "as in EXPOSE 3333"),
        ("STOPSIGNAL SIGSTOPP", "as in STOPSIGNAL SIGTERM"),
    ],
)
def test_invalid_values_are_refused_with_a_remedy(line: str, remedy: str) -> None:
    with pytest.raises(DockerfileError, match=remedy):
        settled(line)


def test_without_an_entrypoint_it_has_that_of_the_official_image() -> None:
    assert settled('CMD ["server.js"]').entrypoint == ENTRYPOINT


def test_an_empty_entrypoint_takes_the_base_s_away() -> None:
    assert settled("ENTRYPOINT []", 'CMD ["node"]').entrypoint == ()


def test_a_command_without_a_list_goes_to_the_shell_and_says_so() -> None:
    config = settled("CMD node 'my app.js'")

    assert config.command == ("/bin/sh", "-c", "node 'my app.js'")
    assert "line 2: CMD runs in a shell" in config.notes[0]


def test_the_shell_may_be_another() -> None:
    config = settled('SHELL ["bash", "-ec"]', "CMD a")

    assert config.command == ("bash", "-ec", "a")
    (line,) = parse("FROM node\nRUN b")[1:]
    assert config.run_command(line) == ["bash", "-ec", "b"]


def test_a_range_has_all_its_ports_and_udp_has_none() -> None:
    assert settled("EXPOSE 80-82 53/udp 90/TCP").exposed_ports == (80, 81, 82, 90)


def test_a_health_check_is_noted_because_kubernetes_ignores_it() -> None:
    (note,) = settled("HEALTHCHECK --interval=5s CMD curl localhost").notes
    assert note.startswith("Dockerfile, line 2: Kubernetes ignores HEALTHCHECK.")


def test_the_platform_is_known_where_it_is_declared() -> None:
    config = settled("FROM --platform=$BUILDPLATFORM node", "ARG TARGETARCH", "ARG TARGETOS")

    assert config.args == {"TARGETARCH": architecture(), "TARGETOS": "linux"}


@pytest.mark.parametrize("platform", ["linux/s390x", "s390x", "windows", "windows/amd64"])
def test_another_platform_is_noted(platform: str) -> None:
    (note,) = settled("ARG P", "FROM --platform=$P node", P=platform).notes
    assert note == (
        f"Dockerfile, line 2: FROM names the platform {platform}, and this image is for "
        f"linux/{architecture()}. Build with Docker for another platform."
    )


@pytest.mark.parametrize("platform", ["linux", "{0}", "linux/{0}", "linux/{0}/v8"])
def test_the_platform_of_this_machine_is_not_noted(platform: str) -> None:
    named = platform.format(architecture())
    assert settled(f"FROM --platform={named} node").notes == ()


def test_spaces_in_a_folder_and_a_user_stay() -> None:
    config = settled("WORKDIR /my  app", "USER $X")

    assert config.working_dir == "/my  app"


STAGES = ("ARG V=1", "FROM node AS base", "ENV A=1", "ARG B=2", "WORKDIR /app")


def test_a_stage_begins_with_all_that_an_earlier_one_has() -> None:
    config = settled(*STAGES, "FROM Base AS next", "ENV C=$A$B")

    assert (config.env, config.working_dir) == ({"A": "1", "C": "12"}, "/app")
    assert (config.base, config.stage, config.stage_name) == (0, 1, "next")


def test_a_stage_of_its_own_knows_nothing_of_the_one_before() -> None:
    config = settled(*STAGES, "FROM node", "ARG V", "ENV C=$A$B$V")

    assert (config.env, config.working_dir, config.base) == ({"C": "1"}, "/", None)


@pytest.mark.parametrize("name", ["base", "BASE", "0"])
def test_an_earlier_stage_is_copied_from_by_name_or_number(name: str) -> None:
    assert settled(*STAGES, "FROM node", f"COPY --from={name} a b").copied_from == {0}


def test_a_stage_that_is_not_needed_is_left_out() -> None:
    lines = [
        "FROM node AS a",
        "RUN a",
        "FROM node AS b",
        "RUN b",
        "FROM a AS c",
        "COPY --from=a x y",
    ]
    lines += ["FROM node", "COPY --from=c x y"]
    planned = plan(parse("\n".join(lines)))

    assert [str(line) for line, _ in planned] == [
        *lines[:2],
        "FROM a AS c",
        "COPY x y",
        *lines[6:7],
        "COPY x y",
    ]
