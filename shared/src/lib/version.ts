/** Set by the build (`--version`); absent in a checkout. */
declare const FETTLE_VERSION: string | undefined;

/** The version of this build; the same for both programs. */
export const VERSION: string = typeof FETTLE_VERSION === "undefined" ? "0.1.0" : FETTLE_VERSION;

/** Set by the build from the release keys that it is given; absent in a checkout and in a build without a key. */
declare const FETTLE_RELEASE_KEYS: readonly string[] | undefined;

/** The keys (ed25519, SPKI in base64) whose releases this build takes. */
export const RELEASE_KEYS: readonly string[] = typeof FETTLE_RELEASE_KEYS === "undefined" ? [] : FETTLE_RELEASE_KEYS;

/** Built without a release key: it takes updates only by keys of the machine's own policy. */
export const IS_DEV = RELEASE_KEYS.length === 0;

/** As `--version` says it. */
export const VERSION_TEXT: string = IS_DEV ? `${VERSION} (dev build: it takes no signed updates)` : VERSION;
