"""Instructions of a Dockerfile, their flags and their here-documents."""

from __future__ import annotations

import re

import pytest

from canarylab import resources
from canarylab.errors import DockerfileError
from canarylab.images.dockerfile import Instruction, parse

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
        ("ONBUILD RUN a", "Dockerfile that needs it"),
        ("SHELL bash", "Write it as a list"),
        ("COPYY a b", "Did you mean COPY?"),
        ("HEALTHCHECK --often CMD a", "build with Docker"),
        ("12345", "Supported are ADD, ARG"),
        ("COPY --parents a b", "build with Docker"),
        ("RUN --mount=type=secret,id=x a", "COPY what it needs"),
        ("RUN --mount=type=bind,source=x a", "Add one"),
        ("CMD ['npm', 'start']", "double quotes"),
        ("CMD [1]", "double quotes"),
        ("RUN <<EOF", "Write a line that has only EOF in it"),
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
    "line",
    [
        "ADD a b",
        "MAINTAINER me",
        "VOLUME /data",
        'SHELL ["bash", "-c"]',
        "HEALTHCHECK --interval=5s --start-period=1s CMD true",
        "RUN --mount=type=cache,target=/a --mount=type=cache,target=/b a",
        "CMD yarn server",
        "ENTRYPOINT node 'my app.js'",
        "FROM --platform=$BUILDPLATFORM node AS second",
        "COPY --from=0 --chown=node:node --chmod=755 --link a b",
    ],
)
def test_these_forms_are_understood(line: str) -> None:
    assert [each.keyword for each in after_from(line)] == [line.split(maxsplit=1)[0]]


def test_a_here_document_ends_with_its_name() -> None:
    run, copy = after_from("RUN <<EOF\n# one\n\n  two \\\nEOF\nCOPY a b")

    assert run.script == "# one\n\n  two \\\n"
    assert (copy.line, copy.text) == (7, "a b")


def test_a_shell_reads_the_here_document_of_a_longer_line() -> None:
    (line,) = after_from("RUN cat <<'END' > a \\\n  && b\n$X\nEND")

    assert line.script == "cat <<'END' > a   && b\n$X\nEND\n"


def test_a_here_document_may_name_its_own_program() -> None:
    (line,) = after_from("RUN <<EOF\n#!/usr/bin/env node\na\nEOF")

    assert "#!/usr/bin/env node\na\n" in line.script
    assert line.script.startswith("f=$(mktemp)")


@pytest.mark.parametrize(
    ("begin", "content", "is_expanded"),
    [("<<a", "\tx\n", True), ("<<'a'", "\tx\n", False), ('<<-"a"', "x\n", False)],
)
def test_quotes_and_a_dash_change_a_here_document(
    begin: str, content: str, is_expanded: bool
) -> None:
    (line,) = after_from(f"COPY {begin} b\n\tx\na\n")

    assert line.documents[0].content == content
    assert line.documents[0].is_expanded is is_expanded


def test_one_line_may_have_several_here_documents() -> None:
    (line,) = after_from("COPY <<a <<b c/\n1\na\n2\nb\n")

    assert [(each.name, each.text) for each in line.documents] == [("a", "1\n"), ("b", "2\n")]
