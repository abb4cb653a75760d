// Memory at the start, and graceful shutdown: drain on SIGTERM, then close, and end before the
// kubelet sends SIGKILL.
//
// Kubernetes sends SIGTERM to a pod at the same moment as it removes the pod from the endpoints,
// so for a short time the proxies still send it connections. An app that closes at once refuses
// those. This one fails its readiness probe, goes on answering for the drain time, and then closes.

import type { EventEmitter } from "node:events";
import type { Server } from "node:http";
import type { Socket } from "node:net";

import type { State } from "./app.ts";

export interface Surroundings {
  readonly signals: EventEmitter;
  readonly exit: (status: number) => void;
  readonly say: (line: string) => void;
}

// Requests that are under way after the drain have this long. With a drain of 3 s the app ends
// 8 s after SIGTERM at the latest; the usual terminationGracePeriodSeconds is 30.
const CLOSE_DEADLINE_MS = 5000;

const PROCESS: Surroundings = { signals: process, exit: process.exit, say: console.log };

/** So many megabytes, each page written to: memory that is only reserved is not counted. */
export function filledMemory(megabytes: number): Buffer {
  return Buffer.alloc(Math.round(megabytes * 2 ** 20), 1);
}

export function drainOnSignal(
  server: Server,
  state: State,
  drainMs: number,
  { signals, exit, say }: Surroundings = PROCESS,
): void {
  let drained: NodeJS.Timeout | undefined;
  const sockets = new Set<Socket>();

  function stop(): void {
    clearTimeout(drained);
    const deadline = setTimeout(() => server.closeAllConnections(), CLOSE_DEADLINE_MS);
    server.close(() => {
      clearTimeout(deadline);
      exit(0);
    });
    server.closeIdleConnections();
    // After one turn of the event loop, so that a request that has arrived is read first.
    setImmediate(closeSilentConnections);
  }

  // For Node a connection is idle only after its first request; without any, `closeIdleConnections`
  // leaves it open, and the app would wait for it until the kubelet kills it.
  function closeSilentConnections(): void {
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
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

  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  // A response that was under way when the server closed leaves its connection idle only now.
  server.on("request", (_request, response) => {
    response.once("close", () => {
      if (!server.listening) setImmediate(() => server.closeIdleConnections());
    });
  });
  signals.on("SIGTERM", onSignal);
  signals.on("SIGINT", onSignal);
}
