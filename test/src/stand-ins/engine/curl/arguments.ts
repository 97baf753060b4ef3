/** curl's command line, as far as the stand-in understands it. */
export interface CurlArguments {
  url: string;
  method: string | undefined;
  headers: Record<string, string>;
  body: string | undefined;
  output: string | undefined;
  writeOut: string;
  caCert: string | undefined;
  silent: boolean;
  showError: boolean;
  fail: boolean;
  follow: boolean;
  headOnly: boolean;
  insecure: boolean;
  maxTimeMs: number | undefined;
  connectTimeoutMs: number | undefined;
}

export class UsageError extends Error {}

type Apply = (into: CurlArguments, value: string) => void;

const HINT = "curl: try 'curl --help' or 'curl --manual' for more information";

const seconds = (value: string): number => Number(value) * 1000;

const flags: Record<string, Apply> = {
  silent: (into) => Object.assign(into, { silent: true }),
  "show-error": (into) => Object.assign(into, { showError: true }),
  fail: (into) => Object.assign(into, { fail: true }),
  location: (into) => Object.assign(into, { follow: true }),
  head: (into) => Object.assign(into, { headOnly: true }),
  insecure: (into) => Object.assign(into, { insecure: true }),
  ipv4: () => undefined,
  compressed: () => undefined,
  "no-progress-meter": () => undefined,
};

const valued: Record<string, Apply> = {
  output: (into, output) => Object.assign(into, { output }),
  "write-out": (into, writeOut) => Object.assign(into, { writeOut }),
  request: (into, method) => Object.assign(into, { method }),
  cacert: (into, caCert) => Object.assign(into, { caCert }),
  data: (into, body) => Object.assign(into, { body }),
  "max-time": (into, value) => Object.assign(into, { maxTimeMs: seconds(value) }),
  "connect-timeout": (into, value) => Object.assign(into, { connectTimeoutMs: seconds(value) }),
  noproxy: () => undefined,
  url: (into, url) => Object.assign(into, { url }),
  header: (into, value) => {
    const at = value.indexOf(":");
    if (at > 0) into.headers[value.slice(0, at).trim()] = value.slice(at + 1).trim();
  },
};

const short: Record<string, string> = {
  s: "silent",
  S: "show-error",
  f: "fail",
  L: "location",
  I: "head",
  k: "insecure",
  "4": "ipv4",
  o: "output",
  w: "write-out",
  X: "request",
  d: "data",
  m: "max-time",
  H: "header",
};

/** Throws UsageError with curl's own words. */
export function parseArguments(argv: readonly string[]): CurlArguments {
  const into = { ...nothing, headers: {} };
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word.startsWith("--")) long(word, into, rest);
    else if (word.startsWith("-") && word.length > 1) shorts(word, into, rest);
    else into.url = word;
  }
  if (into.url === "") throw new UsageError(`curl: no URL specified!\n${HINT}`);
  return into;
}

function long(word: string, into: CurlArguments, rest: string[]): void {
  apply(word.slice(2), word, undefined, into, rest);
}

/** Several letters in one word; the first that wants a value takes the rest of the word for it. */
function shorts(word: string, into: CurlArguments, rest: string[]): void {
  for (let at = 1; at < word.length; at += 1) {
    const name = short[word[at] ?? ""] ?? "";
    const glued = word.slice(at + 1);
    apply(name, `-${word[at]}`, glued === "" ? undefined : glued, into, rest);
    if (Object.hasOwn(valued, name)) return;
  }
}

function apply(name: string, shown: string, glued: string | undefined, into: CurlArguments, rest: string[]): void {
  const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
  if (flag !== undefined) {
    flag(into, "");
    return;
  }
  const wanting = Object.hasOwn(valued, name) ? valued[name] : undefined;
  if (wanting === undefined) {
    throw new UsageError(`curl: option ${shown}: is unknown\n${HINT}`);
  }
  const value = glued ?? rest.shift();
  if (value === undefined) throw new UsageError(`curl: option ${shown}: requires parameter`);
  wanting(into, value);
}

const nothing: CurlArguments = {
  url: "",
  method: undefined,
  headers: {},
  body: undefined,
  output: undefined,
  writeOut: "",
  caCert: undefined,
  silent: false,
  showError: false,
  fail: false,
  follow: false,
  headOnly: false,
  insecure: false,
  maxTimeMs: undefined,
  connectTimeoutMs: undefined,
};
