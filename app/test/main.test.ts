// The app as the pod runs it: a process with an environment, a log and signals.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import os from "node:os";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

type Process = ChildProcessByStdio<null, Readable, Readable>;

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

function start(context: TestContext, environment: Record<string, string>): Process {
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env["PATH"] ?? "", PORT: "0", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  context.after(() => child.kill("SIGKILL"));
  return child;
}

/** The app's URL, once it said that it answers. */
async function answering(child: Process): Promise<string> {
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const port = /^Server started on port (\d+):/.exec(line)?.[1];
  assert.ok(port, line);
  return `http://127.0.0.1:${port}`;
}

test("it answers as the version and the machine it was told to be", async (context) => {
  const url = await answering(start(context, { APP_VERSION: "2.0" }));

  const answer = await fetch(url);

  assert.equal(await answer.json(), "Version 2.0");
  assert.equal(answer.headers.get("X-Pod"), os.hostname());
});

test("after SIGTERM new connections are answered until it ends with status 0", async (context) => {
  const child = start(context, { DRAIN_S: "0.5" });
  const url = await answering(child);
  const ended = once(child, "exit");

  child.kill("SIGTERM");
  while ((await fetch(`${url}/readyz`)).status !== 503);

  assert.equal((await fetch(url)).status, 200);
  assert.deepEqual(await ended, [0, null]);
  await assert.rejects(fetch(url));
});

test("after SIGTERM somebody who connected and says nothing is not waited for", async (context) => {
  const child = start(context, { DRAIN_S: "0" });
  const { port } = new URL(await answering(child));
  const silent = connect(Number(port), "127.0.0.1").on("error", () => undefined);
  context.after(() => silent.destroy());
  await once(silent, "connect");
  const ended = once(child, "exit");

  child.kill("SIGTERM");

  assert.deepEqual(await ended, [0, null]);
});

test("it becomes ready after the time set", async (context) => {
  const url = await answering(start(context, { READY_AFTER_S: "0.2" }));

  while ((await fetch(`${url}/readyz`)).status !== 200);

  assert.equal(await (await fetch(`${url}/readyz`)).json(), "ready");
});

test("until then it answers, and is not ready", async (context) => {
  const url = await answering(start(context, { READY_AFTER_S: "3600" }));

  const answer = await fetch(`${url}/readyz`);

  assert.deepEqual([answer.status, await answer.json()], [503, "starting"]);
  assert.equal((await fetch(url)).status, 200);
});

test("an app that was never ready drains as any other", async (context) => {
  const child = start(context, { READY_AFTER_S: "3600", MEMORY_MB: "8", DRAIN_S: "0" });
  await answering(child);
  const ended = once(child, "exit");

  child.kill("SIGTERM");

  assert.deepEqual(await ended, [0, null]);
});

for (const [name, value] of [
  ["ERROR_RATE", "2"],
  ["LATENCY_MS", "NaN"],
  ["FAULTS", "yes"],
] as const) {
  test(`${name}=${value} ends it with status 1 and one line`, async (context) => {
    const child = start(context, { [name]: value });

    const [said, [status]] = await Promise.all([text(child.stderr), once(child, "exit")]);

    assert.equal(status, 1);
    assert.match(said, new RegExp(`^${name} is "${value}", which is .*\\. Set it to .*\\.\n$`));
  });
}

test("a wrong setting ends it with status 1 and one line", async (context) => {
  const child = start(context, { PORT: "http" });

  const [said, [status]] = await Promise.all([text(child.stderr), once(child, "exit")]);

  assert.equal(status, 1);
  assert.match(said, /^PORT is "http".*\. Set it to .*\.\n$/);
});

test("a port that is taken ends it with status 1 and one line", async (context) => {
  const other = createServer().listen(0);
  context.after(() => other.close());
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const child = start(context, { PORT: String(port) });

  const [said, [status]] = await Promise.all([text(child.stderr), once(child, "exit")]);

  assert.equal(status, 1);
  assert.match(said, new RegExp(`^Port ${port} cannot be used: another program.*\\..*\\.\n$`));
});
