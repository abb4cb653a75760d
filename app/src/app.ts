// The routes of the app, and its request log. Listening is in main.ts, shutting down in lifecycle.ts.

import express from "express";
import type { Express, RequestHandler } from "express";

import type { Config } from "./config.ts";
import { faultsRouter, hasFaults, injectFaults } from "./faults.ts";
import type { Random } from "./faults.ts";

/** What of the app changes while it runs, except for the faults. */
export interface State {
  starting: boolean;
  draining: boolean;
}

/** The paths of the probes; a log of requests would be full of them. */
const PROBES: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

export function createApp(
  config: Config,
  state: State,
  log: (line: string) => void = console.log,
  random: Random = Math.random,
): Express {
  const app = express();

  app.use((_request, response, next) => {
    response.set({ "X-Version": config.version, "X-Pod": config.pod });
    // A client that keeps its connection has to open the next one to another pod.
    if (state.draining) response.set("Connection", "close");
    next();
  });

  if (config.logsRequests) app.use(requestLog(config.version, log));

  // Alive is not the same as ready: a draining app must not be restarted.
  app.get("/healthz", (_request, response) => {
    response.json("alive");
  });

  app.get("/readyz", (_request, response) => {
    const isReady = !state.starting && !state.draining;
    const words = isReady ? "ready" : state.draining ? "draining" : "starting";
    response.status(isReady ? 200 : 503).json(words);
  });

  // Below the probes, which have no faults; and only where they are needed, as they take time.
  const faults = { ...config.faults };
  if (config.allowsFaults || hasFaults(faults)) {
    app.use("/faults", config.allowsFaults ? faultsRouter(faults) : notFound);
    app.use(injectFaults(faults, config.version, random));
  }

  app.get("/", (_request, response) => {
    response.json(`Version ${config.version}`);
  });

  return app;
}

const notFound: RequestHandler = (_request, response) => {
  response.sendStatus(404);
};

/** One line for each request: time, method, path, status and version. */
function requestLog(version: string, log: (line: string) => void): RequestHandler {
  return (request, response, next) => {
    if (!PROBES.has(request.path)) {
      const { method, originalUrl } = request;
      response.once("close", () => {
        const time = new Date().toISOString();
        log(`${time} ${method} ${originalUrl} ${response.statusCode} version ${version}`);
      });
    }
    next();
  };
}
