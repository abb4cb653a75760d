// How does the app end without losing a request?
//
// SIGTERM reaches a pod at the same moment as the news of its end reaches the proxies, so for a
// while they still send it connections. An app that closes at once refuses those. This one says
// that it is not ready, goes on answering until everybody has heard, and only then closes.

import type { EventEmitter } from "node:events";
import type { Server } from "node:http";

import type { State } from "./app.ts";

export interface Surroundings {
  readonly signals: EventEmitter;
  readonly exit: (status: number) => void;
  readonly say: (line: string) => void;
}

const PROCESS: Surroundings = { signals: process, exit: process.exit, say: console.log };

export function drainOnSignal(
  server: Server,
  state: State,
  drainMs: number,
  { signals, exit, say }: Surroundings = PROCESS,
): void {
  let drained: NodeJS.Timeout | undefined;

  function stop(): void {
    clearTimeout(drained);
    server.close(() => exit(0));
    server.closeIdleConnections();
  }

  function onSignal(signal: NodeJS.Signals): void {
    if (state.draining) {
      say(`${signal} again: closing now.`);
      stop();
      server.closeAllConnections();
      return;
    }
    state.draining = true;
    say(`${signal}: not ready any more, still answering for ${drainMs / 1000} s.`);
    drained = setTimeout(stop, drainMs);
  }

  // An answer that was under way when the app closed leaves its connection idle only now.
  server.on("request", (_request, response) => {
    response.once("close", () => {
      if (!server.listening) setImmediate(() => server.closeIdleConnections());
    });
  });
  signals.on("SIGTERM", onSignal);
  signals.on("SIGINT", onSignal);
}
