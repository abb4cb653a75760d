// Starts the app: reads the configuration, listens, and says so.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";

import { createApp } from "./app.ts";
import type { State } from "./app.ts";
import { ConfigError, readConfig } from "./config.ts";
import type { Config } from "./config.ts";
import { drainOnSignal, filledMemory } from "./lifecycle.ts";

/** Kept for as long as the app runs. */
const memory: Buffer[] = [];

function run(config: Config): void {
  memory.push(filledMemory(config.memoryMb));
  const state: State = { starting: config.readyAfterMs > 0, draining: false };
  const server = createServer(createApp(config, state));
  drainOnSignal(server, state, config.drainMs);
  server.once("error", (error) => fail(cannotListen(config.port, error)));
  server.listen(config.port, () => {
    const { port } = server.address() as AddressInfo;
    console.log(`Server started on port ${port}: version ${config.version}, ${config.pod}.`);
    if (state.starting) setTimeout(() => (state.starting = false), config.readyAfterMs);
  });
}

function cannotListen(port: number, error: NodeJS.ErrnoException): string {
  const why = error.code === "EADDRINUSE" ? "another program listens there" : error.message;
  return `Port ${port} cannot be used: ${why}. Stop that program, or name another port with PORT.`;
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

try {
  run(readConfig(process.env, os.hostname()));
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  fail(error.message);
}
