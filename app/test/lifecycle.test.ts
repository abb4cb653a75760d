// A signal makes the app drain first and close later; time and signals are the test's own.

import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";

import { drainOnSignal, filledMemory } from "../src/lifecycle.ts";
import { serving } from "./serving.ts";
import type { Serving } from "./serving.ts";

interface Draining extends Serving {
  readonly signals: EventEmitter;
  readonly exited: Promise<number>;
  readonly said: string[];
}

async function draining(
  context: TestContext,
  settings: Record<string, string> = {},
): Promise<Draining> {
  const app = await serving(context, settings, () => 0.5);
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const signals = new EventEmitter();
  const said: string[] = [];
  const exited = new Promise<number>((exit) => {
    const say = (line: string): void => void said.push(line);
    drainOnSignal(app.server, app.state, 3000, { signals, exit, say });
  });
  return { ...app, signals, exited, said };
}

for (const signal of ["SIGTERM", "SIGINT"]) {
  test(`${signal} makes it drain at once and close after the time set`, async (context) => {
    const { signals, state, server, exited } = await draining(context);

    signals.emit(signal, signal);
    assert.equal(state.draining, true);
    context.mock.timers.tick(2999);
    assert.equal(server.listening, true);
    context.mock.timers.tick(1);

    assert.equal(await exited, 0);
    assert.equal(server.listening, false);
  });
}

test("a second signal does not wait", async (context) => {
  const { signals, exited, said } = await draining(context);

  signals.emit("SIGTERM", "SIGTERM");
  signals.emit("SIGINT", "SIGINT");

  assert.equal(await exited, 0);
  assert.match(said.join("\n"), /SIGTERM: not ready .* 3 s\.\nSIGINT again/);
});

test("a connection that lies idle does not hold the app up", async (context) => {
  const { url, server, signals, exited } = await draining(context);
  await (await fetch(url)).text();
  assert.equal(await connections(server), 1);

  signals.emit("SIGTERM", "SIGTERM");
  context.mock.timers.tick(3000);

  assert.equal(await exited, 0);
});

test("a connection on which nobody said anything is closed after the drain", async (context) => {
  const { server, signals, exited } = await draining(context);
  await connected(context, server);

  signals.emit("SIGTERM", "SIGTERM");
  context.mock.timers.tick(3000);

  assert.equal(await exited, 0);
});

test("half a request is waited for until the deadline, and no longer", async (context) => {
  const { server, signals, exited } = await draining(context);
  const { client, accepted } = await connected(context, server);
  client.write("GET / HTTP/1.1\r\n");
  while (accepted.bytesRead === 0) await setImmediate();

  signals.emit("SIGTERM", "SIGTERM");
  context.mock.timers.tick(3000);
  context.mock.timers.tick(4999);
  assert.equal(await connections(server), 1);
  context.mock.timers.tick(1);

  assert.equal(await exited, 0);
});

test("a request that is being answered is answered to its end", async (context) => {
  const { url, server, signals, exited } = await draining(context);
  const arrived = once(server, "request");
  let finish = (): void => undefined;
  server.prependListener("request", (_request, response) => {
    const end = response.end.bind(response);
    response.end = (body: unknown): typeof response => {
      finish = () => void end(body);
      return response;
    };
  });
  const answer = fetch(url);
  await arrived;

  signals.emit("SIGTERM", "SIGTERM");
  context.mock.timers.tick(3000);
  finish();

  assert.equal(await (await answer).json(), "Version 2.0");
  assert.equal(await exited, 0);
});

test("a request that is answered slowly is answered to its end", async (context) => {
  const { url, server, signals, exited } = await draining(context, { LATENCY_MS: "4000" });
  const arrived = once(server, "request");
  const answer = fetch(url);
  await arrived;

  signals.emit("SIGTERM", "SIGTERM");
  context.mock.timers.tick(3000);
  context.mock.timers.tick(1000);

  assert.equal(await (await answer).json(), "Version 2.0");
  assert.equal(await exited, 0);
});

test("memory is filled, and so counted as used", () => {
  const before = process.memoryUsage.rss();

  const memory = filledMemory(128);

  assert.ok(process.memoryUsage.rss() - before > 100 * 2 ** 20);
  assert.equal(memory.length, 128 * 2 ** 20);
});

async function connected(
  context: TestContext,
  server: Serving["server"],
): Promise<{ client: Socket; accepted: Socket }> {
  const { port } = server.address() as AddressInfo;
  const accepting = once(server, "connection");
  const client = connect(port, "127.0.0.1").on("error", () => undefined);
  context.after(() => client.destroy());
  const [accepted] = (await accepting) as [Socket];
  return { client, accepted };
}

function connections(server: Serving["server"]): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}
