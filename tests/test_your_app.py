"""The page about an app of one's own: its commands run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from canarylab.playground.images import find
from tests.needs import needs
from tests.running_playground import running_playground

PAGE = Path(__file__).parent.parent / "docs" / "your-app.md"
ARTICLE = {
    "Dockerfile": """FROM node:14-slim
WORKDIR /usr/src/app
COPY package*.json ./
RUN yarn
COPY . .
EXPOSE 3333
CMD [ "yarn", "server" ]
""",
    "package.json": '{"name": "a", "version": "1.0.0", "scripts": {"server": "node server.js"}}',
    "server.js": """require("http").createServer((request, response) => {
  response.setHeader("X-Version", "1.0");
  response.end('"Version 1.0"');
}).listen(3333);
""",
    "web.yaml": """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: team/node_app:1.0
        readinessProbe: {httpGet: {path: /, port: 3333}}
""",
}


def commands() -> str:
    """The lines of every shell fence, in order."""
    found = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return "set -e\n" + "".join(found)


def run(script: str, folder: Path, environment: dict[str, str]) -> str:
    """What the script prints."""
    programs = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={**environment, "PATH": programs, "CANARYLAB_BUILDER": "process"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@needs("kubectl", "linux")
@pytest.mark.slow
def test_the_commands_of_the_page_run_as_they_stand(tmp_path: Path) -> None:
    with running_playground(tmp_path / "home", images=False) as playground:
        said = run(commands(), tmp_path, playground.environment)
    assert 'deployment "shop-canary" successfully rolled out' in said
    assert re.search(r"^\s*(version )?2\.0\b", said, re.MULTILINE), said


@needs("kubectl", "linux")
@pytest.mark.slow
def test_an_app_with_yarn_as_in_the_article_runs_without_fetching_anything(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    for name, text in ARTICLE.items():
        (folder / name).write_text(text)
    script = """
        canarylab build app --tag team/node_app:1.0
        kubectl apply -f app/web.yaml
        kubectl rollout status deployment/web --timeout=60s
        kubectl exec deployment/web -- node -e "fetch('http://localhost:3333')
          .then(found => found.text()).then(console.log)"
        """
    with running_playground(tmp_path / "home", images=False) as playground:
        said = run(f"set -e\n{script}", tmp_path, playground.environment)
        image = find(playground.home.images, "team/node_app:1.0")
    assert '"Version 1.0"' in said
    assert image is not None
    assert (image.root / "usr/local/bin/yarn").exists()
