// Settings are read, and refused in words.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ConfigError, readConfig } from "../src/config.ts";

test("without any setting it is version 1.0 on port 3333, drains for 3 s and logs no request", () => {
  assert.deepEqual(readConfig({}, "pod-a"), {
    version: "1.0",
    pod: "pod-a",
    port: 3333,
    drainMs: 3000,
    logsRequests: false,
  });
});

test("each setting is taken", () => {
  const environment = { APP_VERSION: "2.0", PORT: "8080", DRAIN_S: "0.5", LOG_REQUESTS: "1" };

  assert.deepEqual(readConfig(environment, "pod-a"), {
    version: "2.0",
    pod: "pod-a",
    port: 8080,
    drainMs: 500,
    logsRequests: true,
  });
});

const mistakes: [string, string][] = [
  ["APP_VERSION", ""],
  ["APP_VERSION", "2.0\r\nX-Evil: 1"],
  ["PORT", ""],
  ["PORT", "http"],
  ["PORT", "70000"],
  ["PORT", "-1"],
  ["DRAIN_S", "-1"],
  ["DRAIN_S", "soon"],
  ["LOG_REQUESTS", ""],
  ["LOG_REQUESTS", "yes"],
];

for (const [name, value] of mistakes) {
  test(`${name}=${JSON.stringify(value)} is refused by name, with what to write instead`, () => {
    assert.throws(
      () => readConfig({ [name]: value }, "pod-a"),
      (error) =>
        error instanceof ConfigError &&
        error.message.includes(`${name} is ${JSON.stringify(value)}`) &&
        error.message.includes(`as in ${name}=`),
    );
  });
}
