import type { Secret } from "@fettle/shared/lib/secret.ts";

/** Which GitLab, and as whom. */
export interface GitlabAccess {
  /** As in `https://gitlab.example.com`, without a slash at the end. */
  readonly url: string;
  /** PEM certificates that are trusted beside the system's. */
  readonly ca: string | null;
  /** null asks as nobody. */
  readonly token: Secret | null;
}
