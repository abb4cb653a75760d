// Settings are read, and refused in words.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ConfigError, readConfig } from "../src/config.ts";

test("without any setting it is version 1.0 on port 3333 and drains for three seconds", () => {
  assert.deepEqual(readConfig({}, "pod-a"), {
    version: "1.0",
    pod: "pod-a",
    port: 3333,
    drainMs: 3000,
  });
});

test("each setting is taken", () => {
  const config = readConfig({ APP_VERSION: "2.0", PORT: "8080", DRAIN_S: "0.5" }, "pod-a");

  assert.deepEqual(config, { version: "2.0", pod: "pod-a", port: 8080, drainMs: 500 });
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
