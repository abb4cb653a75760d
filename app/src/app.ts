// What does the app answer?
//
// `createApp` only knows how to answer. It never listens and never ends: main.ts does the one,
// lifecycle.ts the other.

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
    // Whoever keeps a connection alive is told to open the next one somewhere else.
    if (state.draining) response.set("Connection", "close");
    next();
  });

  app.get("/", (_request, response) => {
    response.json(`Version ${config.version}`);
  });

  // Alive is not the same as ready: an app that drains must not be restarted for it.
  app.get("/healthz", (_request, response) => {
    response.json("alive");
  });

  app.get("/readyz", (_request, response) => {
    response.status(state.draining ? 503 : 200).json(state.draining ? "draining" : "ready");
  });

  return app;
}
