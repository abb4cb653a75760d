// The configuration of the app, from environment variables.
//
// It is read and checked once, at the start: a wrong setting stops the app before its first
// request, with a sentence in the pod's log.

export interface Config {
  readonly version: string;
  readonly pod: string;
  readonly port: number;
  readonly drainMs: number;
  readonly logsRequests: boolean;
}

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULTS = { APP_VERSION: "1.0", PORT: "3333", DRAIN_S: "3", LOG_REQUESTS: "0" };

export function readConfig(environment: Environment, hostname: string): Config {
  const settings = { ...DEFAULTS, ...present(environment) };
  return {
    version: version(settings.APP_VERSION),
    pod: hostname,
    port: port(settings.PORT),
    drainMs: seconds(settings.DRAIN_S) * 1000,
    logsRequests: yesOrNo(settings.LOG_REQUESTS),
  };
}

/** What is set, an empty text included: `APP_VERSION=` is a mistake, not a request for the default. */
function present(environment: Environment): Partial<typeof DEFAULTS> {
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

function seconds(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new ConfigError(
    `DRAIN_S is ${JSON.stringify(text)}, which is not a time. ` +
      "Set it to seconds, 0 or more, as in DRAIN_S=3.",
  );
}

function yesOrNo(text: string): boolean {
  if (text === "0" || text === "1") return text === "1";
  throw new ConfigError(
    `LOG_REQUESTS is ${JSON.stringify(text)}, which is neither 0 nor 1. ` +
      "Set it to 1 for a line for each request, as in LOG_REQUESTS=1.",
  );
}
