/** X.Y of a version as GitLab says it ("18.8.2-ee"); null when it is not well-formed. */
export function trackOf(version: unknown): string | null {
  if (typeof version !== "string") return null;
  const match = /^(\d{1,3})\.(\d{1,3})\.\d{1,4}([-+.][0-9A-Za-z.+-]*)?$/.exec(version);
  return match === null ? null : `${match[1]}.${match[2]}`;
}
