// The routes of the app. Listening is in main.ts, shutting down in lifecycle.ts.

import express from "express";
import type { Express } from "express";

import type { Config } from "./config.ts";

/** The one thing about the app that changes while it runs. */
export interface State {
  draining: boolean;
}

export function createApp(config: Config, state: State): Express {
  const app = express();

  app.use((_request, response, next) => {
    response.set({ "X-Version": config.version, "X-Pod": config.pod });
    // A client that keeps its connection has to open the next one to another pod.
    if (state.draining) response.set("Connection", "close");
    next();
  });

  app.get("/", (_request, response) => {
    response.json(`Version ${config.version}`);
  });

  // Alive is not the same as ready: a draining app must not be restarted.
  app.get("/healthz", (_request, response) => {
    response.json("alive");
  });

  app.get("/readyz", (_request, response) => {
    response.status(state.draining ? 503 : 200).json(state.draining ? "draining" : "ready");
  });

  return app;
}
