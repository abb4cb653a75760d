// Settings are read, and refused in words.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ConfigError, readConfig } from "../src/config.ts";

test("without any setting it is version 1.0 on port 3333, and has no faults", () => {
  assert.deepEqual(readConfig({}, "pod-a"), {
    version: "1.0",
    pod: "pod-a",
    port: 3333,
    drainMs: 3000,
    logsRequests: false,
    readyAfterMs: 0,
    memoryMb: 0,
    faults: { error_rate: 0, latency_ms: 0, latency_jitter_ms: 0, latency_share: 1 },
    allowsFaults: false,
  });
});

test("each setting is taken", () => {
  const environment = {
    APP_VERSION: "2.0",
    PORT: "8080",
    DRAIN_S: "0.5",
    LOG_REQUESTS: "1",
    READY_AFTER_S: "20",
    MEMORY_MB: "64",
    ERROR_RATE: "0.05",
    LATENCY_MS: "200",
    LATENCY_JITTER_MS: "50",
    LATENCY_SHARE: "0.02",
    FAULTS: "allowed",
  };

  assert.deepEqual(readConfig(environment, "pod-a"), {
    version: "2.0",
    pod: "pod-a",
    port: 8080,
    drainMs: 500,
    logsRequests: true,
    readyAfterMs: 20_000,
    memoryMb: 64,
    faults: { error_rate: 0.05, latency_ms: 200, latency_jitter_ms: 50, latency_share: 0.02 },
    allowsFaults: true,
  });
});

test("the ends of each range are allowed", () => {
  const most = { ERROR_RATE: "1", LATENCY_MS: "60000", READY_AFTER_S: "3600", MEMORY_MB: "1024" };
  const least = { ERROR_RATE: "0.0", LATENCY_SHARE: "0", DRAIN_S: "0", FAULTS: "refused" };

  assert.equal(readConfig(most, "pod-a").faults.error_rate, 1);
  assert.equal(readConfig(least, "pod-a").faults.latency_share, 0);
});

const mistakes: [string, string][] = [
  ["APP_VERSION", ""],
  ["APP_VERSION", "2.0\r\nX-Evil: 1"],
  ["PORT", ""],
  ["PORT", "http"],
  ["PORT", "70000"],
  ["PORT", "-1"],
  ["DRAIN_S", "3601"],
  ["LOG_REQUESTS", ""],
  ["LOG_REQUESTS", "yes"],
  ["FAULTS", ""],
  ["FAULTS", "yes"],
  ["READY_AFTER_S", "3601"],
  ["MEMORY_MB", "1025"],
  ["LATENCY_MS", "60001"],
  ["LATENCY_JITTER_MS", "60001"],
  ["LATENCY_SHARE", "1.01"],
  ["ERROR_RATE", "2"],
];

for (const name of ["DRAIN_S", "READY_AFTER_S", "MEMORY_MB", "ERROR_RATE", "LATENCY_MS"]) {
  for (const value of ["", " ", "often", "-0.1", "NaN", "Infinity", "1e-3", "0,5", "5 %"]) {
    mistakes.push([name, value]);
  }
}

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
