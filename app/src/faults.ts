// Faults on purpose, for lessons about a bad version: answers that fail, and answers that are slow.
//
// They come from the environment, so that a change is a rollout. Where FAULTS=allowed is set, the
// path /faults changes them in one running pod. The probes and /faults itself have no faults.

import express from "express";
import type { ErrorRequestHandler, Request, RequestHandler, Router } from "express";

interface Limit {
  readonly kind: string;
  readonly max: number;
  readonly example: number;
}

const SHARE = { kind: "a share of the answers", max: 1, example: 0.05 };
const TIME = { kind: "a time in milliseconds", max: 60_000, example: 200 };

/** What each fault may be: a number from 0 to `max`. */
export const LIMITS = {
  error_rate: SHARE,
  latency_ms: TIME,
  latency_jitter_ms: TIME,
  latency_share: SHARE,
} as const satisfies Record<string, Limit>;

export type FaultName = keyof typeof LIMITS;
export type Faults = Record<FaultName, number>;
export type Random = () => number;

const NAMES = Object.keys(LIMITS).join(", ");
const FORWARDED: ReadonlySet<string> = new Set(["forwarded", "via", "x-real-ip", "x-request-id"]);
const ADVICE = "Send it to the pod's own address, or from inside the pod, with kubectl exec.";

/** Whether any answer fails or is slow. */
export function hasFaults({ error_rate, latency_ms, latency_jitter_ms }: Faults): boolean {
  return error_rate > 0 || latency_ms > 0 || latency_jitter_ms > 0;
}

/**
 * Fail or delay each request by a draw of its own, independent of each other: a share `error_rate`
 * of the answers is 500, and a share `latency_share` is delayed.
 */
export function injectFaults(faults: Readonly<Faults>, version: string, random: Random): RequestHandler {
  return (_request, response, next) => {
    const answer = (): void => {
      if (random() < faults.error_rate) response.status(500).json(`Error in version ${version}`);
      else next();
    };
    const isSlow = faults.latency_ms + faults.latency_jitter_ms > 0;
    if (isSlow && random() < faults.latency_share) setTimeout(answer, delayMs(faults, random));
    else answer();
  };
}

/** Uniform from latency - jitter to latency + jitter, but never below 0. */
function delayMs({ latency_ms, latency_jitter_ms }: Readonly<Faults>, random: Random): number {
  return Math.max(0, latency_ms + (2 * random() - 1) * latency_jitter_ms);
}

/** GET shows the faults, PUT changes those that its JSON object names; only at the pod itself. */
export function faultsRouter(faults: Faults): Router {
  const router = express.Router();

  router.use((request, response, next) => {
    const refusal = whyNotDirect(request);
    if (refusal === undefined) next();
    else response.status(403).json(refusal);
  });

  router.get("/", (_request, response) => {
    response.json(faults);
  });

  router.put("/", express.json({ limit: "1kb" }), (request, response) => {
    const changes: unknown = request.body;
    const refusal = whyNotFaults(changes);
    if (refusal === undefined) response.json(Object.assign(faults, changes));
    else response.status(400).json(refusal);
  });

  router.all("/", (_request, response) => {
    response.status(405).set("Allow", "GET, PUT").json("GET shows the faults, PUT changes them.");
  });

  router.use(bodyRefused);
  return router;
}

/**
 * Why this request is not one to the pod itself. A proxy, also that of an Ingress, adds header
 * fields; a Service adds none, but its visitors name the Service or a node as their Host.
 */
function whyNotDirect({ headers, socket }: Request): string | undefined {
  const sign = Object.keys(headers).find(
    (name) => name.startsWith("x-forwarded-") || FORWARDED.has(name),
  );
  if (sign !== undefined) {
    return `This request came through an Ingress or another proxy, which sent ${sign}. ${ADVICE}`;
  }
  const address = (socket.localAddress ?? "").replace(/^::ffff:/, "");
  const port = socket.localPort === 80 ? "" : `:${socket.localPort}`;
  const own = address.includes(":") ? `[${address}]` : address;
  if ([own, "localhost", "127.0.0.1", "[::1]"].some((name) => headers.host === name + port)) {
    return undefined;
  }
  return `This request is for ${headers.host ?? "no host"}, as through a Service. ${ADVICE}`;
}

/** Why this is not an object of faults within their limits. */
function whyNotFaults(changes: unknown): string | undefined {
  if (typeof changes !== "object" || changes === null || Array.isArray(changes)) return NO_OBJECT;
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(LIMITS, name)) {
      return `There is no fault ${JSON.stringify(name)}. The faults are ${NAMES}.`;
    }
    const { kind, max, example } = LIMITS[name as FaultName];
    if (typeof value !== "number" || !(value >= 0 && value <= max)) {
      return (
        `${name} is ${JSON.stringify(value)}, which is not ${kind}. ` +
        `Give a number from 0 to ${max}, as in ${example}.`
      );
    }
  }
  return undefined;
}

const NO_OBJECT =
  "The body is not a JSON object with Content-Type application/json. " +
  'Send the faults to change, as in {"error_rate": 0.05}.';

/** Four parameters: that is how Express knows a handler of errors. */
const bodyRefused: ErrorRequestHandler = (error: { status?: number }, _request, response, _next) => {
  response.status(error.status ?? 400).json(NO_OBJECT);
};
