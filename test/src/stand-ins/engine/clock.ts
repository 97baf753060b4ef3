/** Times as the Engine writes them. */
export type Clock = () => number;

export const ZERO_TIME = "0001-01-01T00:00:00Z";

/** Milliseconds since 1970, with a fraction: two things in one millisecond keep their order. */
export const systemClock: Clock = () => performance.timeOrigin + performance.now();

export function nanoseconds(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.floor((ms - whole) * 1_000_000));
}

/** RFC 3339 with nine digits of a second. */
export function stamp(ms: number): string {
  const seconds = new Date(ms).toISOString().slice(0, 19);
  return `${seconds}.${String(nanoseconds(ms) % 1_000_000_000n).padStart(9, "0")}Z`;
}

/** A time of the API: seconds since 1970 with an optional fraction, or RFC 3339. In milliseconds. */
export function parseTime(text: string): number | undefined {
  if (text === "" || text === "0") return undefined;
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** "3 minutes" for a status line, as the Engine's list shows it. */
export function roughly(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return "Less than a second";
  if (seconds < 60) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return minutes === 1 ? "About a minute" : `${minutes} minutes`;
  const hours = Math.round(minutes / 60);
  if (hours < 48) return hours === 1 ? "About an hour" : `${hours} hours`;
  return `${Math.floor(hours / 24)} days`;
}
