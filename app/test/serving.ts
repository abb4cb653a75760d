// For tests: an app that listens on a port of its own until the test ends.

import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

import { createApp } from "../src/app.ts";
import type { State } from "../src/app.ts";

export interface Serving {
  readonly url: string;
  readonly state: State;
  readonly server: Server;
  readonly lines: readonly string[];
}

export async function serving(context: TestContext, logsRequests = false): Promise<Serving> {
  const state: State = { draining: false };
  const lines: string[] = [];
  const config = { version: "2.0", pod: "pod-a", port: 0, drainMs: 0, logsRequests };
  const app = createApp(config, state, (line) => lines.push(line));
  const server = createServer(app).listen(0, "127.0.0.1");
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, state, server, lines };
}
