"""A Dockerfile is read line by line; what is not known is refused by its number."""

from __future__ import annotations

import re

import pytest

from canarylab import resources
from canarylab.errors import DockerfileError
from canarylab.images.dockerfile import Instruction, exec_form, parse

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
def test_how_a_file_was_saved_makes_no_difference(text: str) -> None:
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
        ("12345", "It knows ARG, CMD"),
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
        ("RUN", "remove it"),
        ("WORKDIR", "remove it"),
    ],
)
def test_what_the_builder_does_not_know_is_refused_with_what_to_do(line: str, remedy: str) -> None:
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


def test_a_shift_in_a_shell_is_no_text_below() -> None:
    assert [line.text for line in after_from("RUN echo $((1 << 2))")] == ["echo $((1 << 2))"]


@pytest.mark.parametrize("line", ["COPY 'a b", "ENV A=${B%x}", "LABEL a", "ENV A"])
def test_words_that_cannot_be_read_are_refused(line: str) -> None:
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
