// The app answers with its version, and says whether it is alive and ready.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { serving } from "./serving.ts";

test("the answer is the version, as a JSON string", async (context) => {
  const { url } = await serving(context);

  const answer = await fetch(url);

  assert.equal(answer.headers.get("Content-Type"), "application/json; charset=utf-8");
  assert.equal(await answer.text(), '"Version 2.0"');
});

test("two headers say which version and which pod answered", async (context) => {
  const { url } = await serving(context);

  const { headers } = await fetch(url);

  assert.deepEqual([headers.get("X-Version"), headers.get("X-Pod")], ["2.0", "pod-a"]);
});

test("Express says that it is Express, as it does by default", async (context) => {
  const { url } = await serving(context);

  assert.equal((await fetch(url)).headers.get("X-Powered-By"), "Express");
});

test("a path that is not there is 404, and still says who answered", async (context) => {
  const { url } = await serving(context);

  const answer = await fetch(`${url}/canary`);

  assert.deepEqual([answer.status, answer.headers.get("X-Version")], [404, "2.0"]);
});

test("it is alive and ready", async (context) => {
  const { url } = await serving(context);

  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
});

test("while it starts it is alive, not ready, and answers", async (context) => {
  const { url, state } = await serving(context);
  state.starting = true;

  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  assert.equal((await fetch(`${url}/readyz`)).status, 503);
  assert.equal((await fetch(url)).status, 200);
});

test("while it drains it is alive, not ready, and still answers", async (context) => {
  const { url, state } = await serving(context);
  state.draining = true;

  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  assert.equal((await fetch(`${url}/readyz`)).status, 503);
  assert.equal((await fetch(url)).status, 200);
});

test("while it drains it keeps no connection alive", async (context) => {
  const { url, state } = await serving(context);
  assert.equal((await fetch(url)).headers.get("Connection"), "keep-alive");
  state.draining = true;

  assert.equal((await fetch(url)).headers.get("Connection"), "close");
});

test("a request is one line of the log: time, method, path, status and version", async (context) => {
  const { url, lines } = await serving(context, { LOG_REQUESTS: "1" });

  await (await fetch(`${url}/canary?by=ann`)).text();
  while (lines.length === 0) await setImmediate(); // written once the response has been sent

  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /^\d{4}-\d\d-\d\dT[\d:.]+Z GET \/canary\?by=ann 404 version 2\.0$/);
});

test("probes are not logged", async (context) => {
  const { url, lines } = await serving(context, { LOG_REQUESTS: "1" });

  await (await fetch(`${url}/healthz`)).text();
  await (await fetch(`${url}/readyz`)).text();
  await (await fetch(url)).text();
  while (lines.length === 0) await setImmediate();

  assert.deepEqual(lines.map((line) => line.split(" ")[2]), ["/"]);
});

test("without the setting no request is logged", async (context) => {
  const { url, lines, server } = await serving(context);

  await (await fetch(url)).text();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));

  assert.deepEqual(lines, []);
});
