// The configuration of the app, from environment variables; docs/app.md lists them.
//
// It is read and checked once, at the start: a wrong setting stops the app before its first
// request, with a sentence in the pod's log.

import { LIMITS } from "./faults.ts";
import type { Faults } from "./faults.ts";

export interface Config {
  readonly version: string;
  readonly pod: string;
  readonly port: number;
  readonly drainMs: number;
  readonly logsRequests: boolean;
  readonly readyAfterMs: number;
  readonly memoryMb: number;
  readonly faults: Readonly<Faults>;
  readonly allowsFaults: boolean;
}

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULTS = {
  APP_VERSION: "1.0",
  PORT: "3333",
  DRAIN_S: "3",
  LOG_REQUESTS: "0",
  READY_AFTER_S: "0",
  MEMORY_MB: "0",
  ERROR_RATE: "0",
  LATENCY_MS: "0",
  LATENCY_JITTER_MS: "0",
  LATENCY_SHARE: "1",
  FAULTS: "refused",
};

type Settings = typeof DEFAULTS;

const SECONDS = { kind: "a time in seconds", max: 3600, example: 3 };
const MEGABYTES = { kind: "a number of megabytes", max: 1024, example: 50 };

export function readConfig(environment: Environment, hostname: string): Config {
  const settings: Settings = { ...DEFAULTS, ...present(environment) };
  return {
    version: version(settings.APP_VERSION),
    pod: hostname,
    port: port(settings.PORT),
    drainMs: number(settings, "DRAIN_S", SECONDS) * 1000,
    logsRequests: choice(settings, "LOG_REQUESTS", ["0", "1"], "for a line for each request") === "1",
    readyAfterMs: number(settings, "READY_AFTER_S", SECONDS) * 1000,
    memoryMb: number(settings, "MEMORY_MB", MEGABYTES),
    faults: {
      error_rate: number(settings, "ERROR_RATE", LIMITS.error_rate),
      latency_ms: number(settings, "LATENCY_MS", LIMITS.latency_ms),
      latency_jitter_ms: number(settings, "LATENCY_JITTER_MS", LIMITS.latency_jitter_ms),
      latency_share: number(settings, "LATENCY_SHARE", LIMITS.latency_share),
    },
    allowsFaults:
      choice(settings, "FAULTS", ["refused", "allowed"], "to set faults at /faults") === "allowed",
  };
}

/** What is set, an empty text included: `APP_VERSION=` is a mistake, not a request for the default. */
function present(environment: Environment): Partial<Settings> {
  const names = Object.keys(DEFAULTS).filter((name) => environment[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, environment[name]]));
}

function version(text: string): string {
  if (/^[\w.+-]+$/.test(text)) return text;
  throw new ConfigError(
    `APP_VERSION is ${JSON.stringify(text)}, which does not name a version. ` +
      "Set it to letters, digits and dots, as in APP_VERSION=2.0.",
  );
}

function port(text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new ConfigError(
    `PORT is ${JSON.stringify(text)}, which is not a port. ` +
      "Set it to a number from 0 to 65535, as in PORT=3333.",
  );
}

function number(
  settings: Settings,
  name: keyof Settings,
  { kind, max, example }: { kind: string; max: number; example: number },
): number {
  const text = settings[name];
  if (/^\d+(\.\d+)?$/.test(text) && Number(text) <= max) return Number(text);
  throw new ConfigError(
    `${name} is ${JSON.stringify(text)}, which is not ${kind}. ` +
      `Set it to a number from 0 to ${max}, as in ${name}=${example}.`,
  );
}

function choice(
  settings: Settings,
  name: keyof Settings,
  [off, on]: [string, string],
  purpose: string,
): string {
  const text = settings[name];
  if (text === off || text === on) return text;
  throw new ConfigError(
    `${name} is ${JSON.stringify(text)}, which is neither ${off} nor ${on}. ` +
      `Set it to ${on} ${purpose}, as in ${name}=${on}.`,
  );
}
