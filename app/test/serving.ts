// For tests: an app that listens on a port of its own until the test ends.

import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

import { createApp } from "../src/app.ts";
import type { State } from "../src/app.ts";
import { readConfig } from "../src/config.ts";
import type { Random } from "../src/faults.ts";

export interface Serving {
  readonly url: string;
  readonly state: State;
  readonly server: Server;
  readonly lines: readonly string[];
}

/** Version 2.0 in pod-a with these settings; without a `random` of its own no draw is allowed. */
export async function serving(
  context: TestContext,
  settings: Record<string, string> = {},
  random: Random = noDraw,
): Promise<Serving> {
  const state: State = { starting: false, draining: false };
  const lines: string[] = [];
  const config = readConfig({ APP_VERSION: "2.0", ...settings }, "pod-a");
  const app = createApp(config, state, (line) => lines.push(line), random);
  const server = createServer(app).listen(0, "127.0.0.1");
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, state, server, lines };
}

function noDraw(): number {
  throw new Error("A draw was made.");
}

/** The draws that a test wants, one after the other. */
export function draws(...numbers: number[]): Random {
  return () => numbers.shift() ?? noDraw();
}
