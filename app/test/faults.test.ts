// Answers fail and are delayed as often as was set, and only who is at the pod itself sets it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { draws, serving } from "./serving.ts";

const NONE = { error_rate: 0, latency_ms: 0, latency_jitter_ms: 0, latency_share: 1 };
const ALLOWED = { FAULTS: "allowed" };

async function put(url: string, body: string, type = "application/json"): Promise<Response> {
  return fetch(`${url}/faults`, { method: "PUT", body, headers: { "Content-Type": type } });
}

/** GET /faults with header fields that `fetch` does not send. */
async function ask(url: string, headers: Record<string, string>): Promise<[number, string]> {
  const sent = request(`${url}/faults`, { headers }).end();
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  return [answer.statusCode ?? 0, await text(answer)];
}

test("an answer whose draw is below the error rate is a 500 that names version and pod", async (context) => {
  const { url } = await serving(context, { ERROR_RATE: "0.25" }, draws(0.24, 0.25));

  const [failed, answered] = [await fetch(url), await fetch(url)];

  assert.deepEqual([failed.status, answered.status], [500, 200]);
  assert.equal(await failed.json(), "Error in version 2.0");
  const { headers } = failed;
  assert.deepEqual([headers.get("X-Version"), headers.get("X-Pod")], ["2.0", "pod-a"]);
});

test("of many answers about that share fails", async (context) => {
  let seed = 1; // of a linear congruential generator, that of Park and Miller
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const { url } = await serving(context, { ERROR_RATE: "0.2" }, random);

  let failed = 0;
  for (let sent = 0; sent < 500; sent += 1) if ((await fetch(url)).status === 500) failed += 1;

  assert.ok(70 < failed && failed < 130, `${failed} of 500`); // 100 is expected, +- 3.4 deviations
});

test("at an error rate of 1 all fail, also on a path that is not there", async (context) => {
  const { url } = await serving(context, { ERROR_RATE: "1" }, () => 1 - 2 ** -53);

  assert.equal((await fetch(url)).status, 500);
  assert.equal((await fetch(`${url}/canary`)).status, 500);
});

test("the probes never fail and are never slow, however their paths are written", async (context) => {
  const { url } = await serving(context, { ERROR_RATE: "1", LATENCY_MS: "60000" });

  for (const path of ["/healthz", "/healthz/", "/readyz", "/READYZ", "/readyz?x=1"]) {
    assert.equal((await fetch(url + path)).status, 200);
  }
});

test("a failed answer is logged as one", async (context) => {
  const settings = { ERROR_RATE: "1", LOG_REQUESTS: "1" };
  const { url, lines } = await serving(context, settings, () => 0);

  await (await fetch(url)).text();
  while (lines.length === 0) await setImmediate();

  assert.match(lines[0] ?? "", / GET \/ 500 version 2\.0$/);
});

const delays: [string, number, number][] = [
  ["the lowest draw is latency less jitter", 0, 150],
  ["the middle one is the latency", 0.5, 200],
  ["a high one is near latency and jitter", 0.99, 249],
];

for (const [words, draw, delay] of delays) {
  test(`of a uniform delay ${words}`, async (context) => {
    const settings = { LATENCY_MS: "200", LATENCY_JITTER_MS: "50", ERROR_RATE: "1" };
    const { url, server } = await serving(context, settings, draws(0, draw, 0.5));
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const arrived = once(server, "request");
    let answered = false;
    server.once("request", (_request, response) => response.once("finish", () => (answered = true)));

    const answer = fetch(url);
    await arrived;
    context.mock.timers.tick(delay - 1);
    assert.equal(answered, false);
    context.mock.timers.tick(1);

    assert.equal((await answer).status, 500); // slow and failed are independent
  });
}

test("a delay is never below 0, so with a larger jitter some answers are not delayed", async (context) => {
  const settings = { LATENCY_MS: "10", LATENCY_JITTER_MS: "60000" };
  const { url } = await serving(context, settings, draws(0, 0, 0.5));

  assert.equal((await fetch(url)).status, 200);
});

test("with a share only that share of the answers is slow", async (context) => {
  const settings = { LATENCY_MS: "60000", LATENCY_SHARE: "0.02" };
  const { url, server } = await serving(context, settings, draws(0.02, 0.5, 0.0199, 0.5, 0.5));

  assert.equal((await fetch(url)).status, 200);

  context.mock.timers.enable({ apis: ["setTimeout"] });
  const arrived = once(server, "request");
  const slow = fetch(url);
  await arrived;
  context.mock.timers.tick(60_000);
  assert.equal((await slow).status, 200);
});

const NOT_ALLOWED: Record<string, string>[] = [{}, { ERROR_RATE: "1" }, { FAULTS: "refused" }];

for (const settings of NOT_ALLOWED) {
  test(`with ${JSON.stringify(settings)} there is no /faults`, async (context) => {
    const { url } = await serving(context, settings);

    assert.equal((await fetch(`${url}/faults`)).status, 404);
    assert.equal((await put(url, '{"error_rate": 0}')).status, 404);
  });
}

test("GET /faults shows what came from the environment", async (context) => {
  const { url } = await serving(context, { ...ALLOWED, ERROR_RATE: "0.05" });

  const answer = await fetch(`${url}/faults`);

  assert.equal(answer.headers.get("X-Pod"), "pod-a");
  assert.deepEqual(await answer.json(), { ...NONE, error_rate: 0.05 });
});

test("PUT /faults changes what it names, from the next request on, and shows all", async (context) => {
  const { url } = await serving(context, ALLOWED, draws(0.5, 0.5, 0.5));
  assert.equal((await fetch(url)).status, 200);

  const answer = await put(url, '{"error_rate": 1}');

  assert.deepEqual([answer.status, await answer.json()], [200, { ...NONE, error_rate: 1 }]);
  assert.equal((await fetch(url)).status, 500);
  assert.equal((await put(url, '{"error_rate": 0}')).status, 200);
  assert.equal((await fetch(url)).status, 200);
});

test("what is set in one app is not set in another", async (context) => {
  const [one, other] = [await serving(context, ALLOWED), await serving(context, ALLOWED)];

  await put(one.url, '{"error_rate": 1}');

  assert.deepEqual(await (await fetch(`${other.url}/faults`)).json(), NONE);
});

test("/faults has no faults itself", async (context) => {
  const { url } = await serving(context, { ...ALLOWED, ERROR_RATE: "1", LATENCY_MS: "60000" });

  assert.equal((await put(url, '{"error_rate": 0, "latency_ms": 0}')).status, 200);
});

test("other methods are refused, with those that there are", async (context) => {
  const { url } = await serving(context, ALLOWED);

  const answer = await fetch(`${url}/faults`, { method: "DELETE" });

  assert.deepEqual([answer.status, answer.headers.get("Allow")], [405, "GET, PUT"]);
});

const REFUSED: [string, RegExp][] = [
  ['{"error_rate": 2}', /^error_rate is 2, .* from 0 to 1, as in 0\.05\.$/],
  ['{"error_rate": -0.1}', /^error_rate is -0\.1, /],
  ['{"error_rate": "0.1"}', /^error_rate is "0\.1", /],
  ['{"error_rate": null}', /^error_rate is null, /],
  ['{"error_rate": true}', /^error_rate is true, /],
  ['{"error_rate": [0.1]}', /^error_rate is \[0\.1\], /],
  ['{"latency_ms": 60001}', /^latency_ms is 60001, .* from 0 to 60000, as in 200\.$/],
  ['{"latency_ms": 1e999}', /^latency_ms is null, /],
  ['{"latency_share": 1.5}', /^latency_share is 1\.5, /],
  ['{"latency_jitter_ms": -1}', /^latency_jitter_ms is -1, /],
  ['{"latency_ms": 5, "errors": 1}', /^There is no fault "errors"\. The faults are error_rate, /],
  ['{"__proto__": {"error_rate": 1}}', /^There is no fault "__proto__"\./],
  ['{"toString": 1}', /^There is no fault "toString"\./],
  ["[1]", /^The body is not a JSON object/],
  ["1", /^The body is not a JSON object/],
  ["{", /^The body is not a JSON object/],
  ['{"error_rate": NaN}', /^The body is not a JSON object/],
];

for (const [body, words] of REFUSED) {
  test(`PUT ${body} is refused in words, and changes nothing`, async (context) => {
    const { url } = await serving(context, ALLOWED);

    const answer = await put(url, body);

    assert.equal(answer.status, 400);
    assert.match((await answer.json()) as string, words);
    assert.deepEqual(await (await fetch(`${url}/faults`)).json(), NONE);
  });
}

test("a body without the type of JSON is refused, so no form of a web page sets faults", async (context) => {
  const { url } = await serving(context, ALLOWED);

  assert.equal((await put(url, '{"error_rate": 1}', "text/plain")).status, 400);
});

test("a body that is far too long is refused", async (context) => {
  const { url } = await serving(context, ALLOWED);

  assert.equal((await put(url, `{"error_rate": 0${" ".repeat(2000)}}`)).status, 413);
});

for (const name of [
  "X-Forwarded-For",
  "X-Forwarded-Proto",
  "X-Request-ID",
  "X-Real-IP",
  "Forwarded",
  "Via",
]) {
  test(`a request with ${name} came through a proxy, and is refused`, async (context) => {
    const { url } = await serving(context, ALLOWED);

    const [status, said] = await ask(url, { [name]: "somebody" });

    assert.equal(status, 403);
    assert.match(said, new RegExp(`Ingress or another proxy, which sent ${name.toLowerCase()}\\.`));
  });
}

for (const host of ["foo.bar.com", "nodeapp-svc", "127.0.0.1:32089", "10.96.0.7:3333", "localhost"]) {
  test(`a request for ${host} may have come through a Service, and is refused`, async (context) => {
    const { url } = await serving(context, ALLOWED);

    const [status, said] = await ask(url, { Host: host });

    assert.equal(status, 403);
    assert.match(said, new RegExp(`This request is for ${host}, as through a Service\\.`));
  });
}

test("a request for localhost and the app's own port is one from inside the pod", async (context) => {
  const { url } = await serving(context, ALLOWED);

  assert.equal((await ask(url, { Host: `localhost:${new URL(url).port}` }))[0], 200);
});

test("a refused PUT changes nothing", async (context) => {
  const { url } = await serving(context, ALLOWED);
  const headers = { "Content-Type": "application/json", Via: "1.1 ingress" };

  const answer = await fetch(`${url}/faults`, { method: "PUT", body: '{"error_rate": 1}', headers });

  assert.equal(answer.status, 403);
  assert.deepEqual(await (await fetch(`${url}/faults`)).json(), NONE);
});
