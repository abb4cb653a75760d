"""Instructions, variables and the image config of a Dockerfile."""

from __future__ import annotations

import re

import pytest

from canarylab import resources
from canarylab.errors import DockerfileError
from canarylab.images.dockerfile import (
    ImageConfig,
    Instruction,
    apply_instruction,
    exec_form,
    expand,
    parse,
    parse_assignments,
    split_words,
)
from canarylab.playground.nodejs import nodejs_version

ARTICLE = """FROM node:14-slim
WORKDIR /usr/src/app
COPY package*.json ./
RUN yarn
COPY . .
EXPOSE 3333
CMD [ "yarn", "server" ]
"""


def after_from(text: str) -> list[Instruction]:
    return parse(f"FROM node:24-slim\n{text}")[1:]


def test_the_article_s_dockerfile_is_understood() -> None:
    assert [line.keyword for line in parse(ARTICLE)] == [
        *("FROM", "WORKDIR", "COPY", "RUN", "COPY", "EXPOSE", "CMD")
    ]


def test_our_own_dockerfile_is_understood() -> None:
    text = (resources.folder("app") / "Dockerfile").read_text()

    assert "FROM ${BASE_IMAGE}" in [str(line) for line in parse(text)]


def test_every_instruction_knows_the_line_it_begins_on() -> None:
    text = "# one\n\nFROM node\n  # four\nRUN a \\\n  b\nRUN c"

    assert [(line.line, line.text) for line in parse(text)] == [(3, "node"), (5, "a   b"), (7, "c")]


def test_comments_and_empty_lines_do_not_end_an_instruction() -> None:
    (line,) = after_from("RUN a \\\n  # why\n\n  b\n")

    assert line.text.split() == ["a", "b"]


def test_a_hash_inside_a_line_is_no_comment() -> None:
    (line,) = after_from("RUN echo '# not a comment'")

    assert line.text == "echo '# not a comment'"


def test_a_backtick_may_be_the_escape_character() -> None:
    lines = parse("# escape=`\nFROM node\nRUN a `\n b\nWORKDIR C:\\")

    assert [line.text.split() for line in lines] == [["node"], ["a", "b"], ["C:\\"]]


@pytest.mark.parametrize(
    "text", ["\ufeffFROM node\r\nRUN a\r\n", "from node\nrun\ta", "FROM node\nRUN a\\"]
)
def test_line_ends_case_and_byte_order_mark_make_no_difference(text: str) -> None:
    assert [(line.keyword, line.text) for line in parse(text)] == [("FROM", "node"), ("RUN", "a")]


def test_flags_stand_apart_from_the_words() -> None:
    (line,) = after_from("COPY --chown=node:node --link a b/")

    assert (line.flags, line.text) == ({"chown": "node:node", "link": ""}, "a b/")


def test_words_may_be_a_json_list() -> None:
    (line,) = after_from('COPY ["a b", "$WHERE/"]')

    assert line.words({"WHERE": "c"}) == ["a b", "c/"]


def test_an_instruction_is_printed_on_one_line() -> None:
    (line,) = after_from("ENV A=b \\\n    C=d")

    assert str(line) == "ENV A=b C=d"


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("ADD a b", "Use COPY"),
        ("HEALTHCHECK CMD true", "livenessProbe"),
        ("ONBUILD RUN a", "Dockerfile that needs it"),
        ('SHELL ["bash"]', "RUN lines go to /bin/sh"),
        ("VOLUME /data", "from the manifest"),
        ("MAINTAINER me", "LABEL maintainer"),
        ("COPYY a b", "Did you mean COPY?"),
        ("12345", "Supported are ARG, CMD"),
        ("COPY --from=build a b", "one stage only"),
        ("COPY --chmod=755 a b", "RUN chmod"),
        ("COPY --parents a b", "build with Docker"),
        ("RUN --mount=type=cache,target=/x a", "npm's own cache"),
        ("FROM node:22 AS second", "one stage"),
        ("CMD yarn server", 'CMD ["yarn", "server"]'),
        ("ENTRYPOINT node 'my app.js'", 'ENTRYPOINT ["node", "my app.js"]'),
        ("CMD node 'unclosed", 'CMD ["node", "src/main.ts"]'),
        ("CMD ['npm', 'start']", "double quotes"),
        ("CMD [1]", "double quotes"),
        ("RUN <<EOF", "file of its own"),
        ("COPY <<EOF /a", "file of its own"),
        ("RUN", "remove the line"),
        ("WORKDIR", "remove the line"),
    ],
)
def test_unsupported_lines_are_refused_with_a_remedy(line: str, remedy: str) -> None:
    with pytest.raises(DockerfileError, match=re.escape(remedy)) as refusal:
        after_from(f"\n{line}\n")

    assert refusal.value.line == 3
    assert str(refusal.value).startswith("Dockerfile, line 3: ")


@pytest.mark.parametrize(
    ("text", "line", "remedy"),
    [
        ("", 1, "Begin with FROM"),
        ("# nothing", 1, "Begin with FROM"),
        ("ARG A=1", 1, "Begin with FROM"),
        ("ARG A=1\nRUN a\nFROM node", 2, "Only ARG may"),
    ],
)
def test_a_file_begins_with_from(text: str, line: int, remedy: str) -> None:
    with pytest.raises(DockerfileError, match=remedy) as refusal:
        parse(text)

    assert refusal.value.line == line


def test_a_shift_in_a_shell_is_not_a_here_document() -> None:
    assert [line.text for line in after_from("RUN echo $((1 << 2))")] == ["echo $((1 << 2))"]


@pytest.mark.parametrize("line", ["COPY 'a b", "ENV A=${B%x}", "LABEL a", "ENV A"])
def test_words_that_cannot_be_parsed_are_refused(line: str) -> None:
    (instruction,) = after_from(line)
    read = instruction.words if instruction.keyword == "COPY" else instruction.assignments

    with pytest.raises(DockerfileError, match=r"Dockerfile, line 2: .*\. \w.*\."):
        read({})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('["a", "b c"]', ["a", "b c"]),
        ("[]", []),
        ("a b", None),
        ("['a']", None),
        ("[1]", None),
        ('["a"', None),
    ],
)
def test_a_json_list_of_texts_needs_no_shell(text: str, expected: list[str] | None) -> None:
    assert exec_form(text) == expected


VALUES = {"X": "x y", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("$X", "x y"),
        ("${X}z", "x yz"),
        ("$NOT_SET-", "-"),
        ("${NOT_SET:-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${NOT_SET-d}", "d"),
        ("${X:-d}", "x y"),
        ("${X:+d}", "d"),
        ("${EMPTY:+d}", ""),
        ("${EMPTY+d}", "d"),
        ("${NOT_SET:-${X}}", "x y"),
        ("'$X'", "$X"),
        ('"$X"', "x y"),
        (r"\$X", "$X"),
        (r'"\$X \" \n"', r'$X " \n'),
        ("costs $5", "costs $5"),
        ("end$", "end$"),
    ],
)
def test_variables_are_expanded(text: str, meaning: str) -> None:
    assert expand(text, VALUES) == meaning


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a  b\tc", ["a", "b", "c"]),
        ("$X b", ["x y", "b"]),
        (r"a\ b 'c d' \"e", ["a b", "c d", '"e']),
        ("a'b c'd", ["ab cd"]),
        ("'' x", ["", "x"]),
        ("${NOT_SET:-a b} c", ["a b", "c"]),
        ("", []),
    ],
)
def test_a_line_is_split_into_words(text: str, pieces: list[str]) -> None:
    assert split_words(text, VALUES) == pieces


@pytest.mark.parametrize("text", ["'a", 'b "c', "a '"])
def test_a_quote_without_an_end_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="has no end"):
        split_words(text, VALUES)


@pytest.mark.parametrize("text", ["${X", "${X%y}", "${}", "${X:?gone}", '"${X#x}"'])
def test_expansions_that_only_a_shell_supports_are_errors(text: str) -> None:
    with pytest.raises(ValueError, match="is not supported"):
        expand(text, VALUES)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("A=b", {"A": "b"}),
        ("A=b C='d e' F=$X", {"A": "b", "C": "d e", "F": "x y"}),
        ("A=b=c", {"A": "b=c"}),
        ("A=", {"A": ""}),
        ("A b c", {"A": "b c"}),
        ("A $X", {"A": "x y"}),
    ],
)
def test_assignments_are_read_in_both_forms(text: str, pairs: dict[str, str]) -> None:
    assert parse_assignments(text, VALUES) == pairs


@pytest.mark.parametrize("text", ["A", "=b", "A=b C"])
def test_text_that_is_not_an_assignment_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"no value|not an assignment"):
        parse_assignments(text, VALUES)


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
        ("EXPOSE 53/udp", "as in EXPOSE 3333"),
        ("EXPOSE 3000-3005", "as in EXPOSE 3333"),
        ("EXPOSE 70000", "as in EXPOSE 3333"),
        ("EXPOSE $PORT", "as in EXPOSE 3333"),
        ("STOPSIGNAL SIGSTOPP", "as in STOPSIGNAL SIGTERM"),
    ],
)
def test_invalid_values_are_refused_with_a_remedy(line: str, remedy: str) -> None:
    with pytest.raises(DockerfileError, match=remedy):
        settled(line)
