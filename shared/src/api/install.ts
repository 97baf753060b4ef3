import * as z from "zod";
import { hostPort, ipAddress } from "../lib/address.ts";

/** The install script, and below the folder the archives, on the operator's listener; no token is asked for. */
export const INSTALL_SCRIPT_PATH = "/install.sh";
export const INSTALL_ARCHIVE_PATH = "/install/";

/** curl's form of a pinned public key: sha256 of its SubjectPublicKeyInfo, in base64. */
export const KEY_PIN = /^sha256\/\/[A-Za-z0-9+/]{43}=$/;

const NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\.?$/i;

/** A host name or an IP address in its canonical text, without brackets; null when the text is neither. */
export function hostName(text: string): string | null {
  const ip = ipAddress(text);
  if (ip !== null) return ip;
  // Digits and dots alone are an address that somebody mistyped.
  return NAME.test(text) && !/^[\d.]+$/.test(text) ? text.toLowerCase() : null;
}

/** Where a machine reaches the coordinator. */
export const coordinatorHost = z.string().refine((text) => hostName(text) !== null, {
  error: "a host name or an IP address, without scheme and port",
});

/**
 * In the user's home: nobody else writes there, while a name in /tmp that can be guessed can be put there before by
 * anybody. The shell of the one who pastes it resolves the tilde, so that curl and root's shell mean the same file.
 */
const FILE = "~/fettle-install.sh";

export interface InstallLine {
  readonly host: string;
  readonly port: number;
  readonly pin: string;
  readonly token: string;
  /** The machine is to take images and models from the coordinator: said in the line, so that who pastes it sees it. */
  readonly mirror?: boolean;
}

export function installUrl({ host, port }: Pick<InstallLine, "host" | "port">): string {
  return `https://${hostPort(host, port)}${INSTALL_SCRIPT_PATH}`;
}

/**
 * The line that is pasted on a machine: the script comes to a file over the pinned key and only then runs. Nothing
 * runs for a wrong pin; the token is in no program's arguments, printf being the shell's own. All four parts are of
 * alphabets without a quote, so nothing in them ends one: it is checked, since a shell runs the result.
 */
export function installLine({ host, port, pin, token, mirror = false }: InstallLine): string {
  const url = installUrl({ host, port });
  for (const part of [pin, url, token])
    if (!/^[A-Za-z0-9+/=:.[\]_-]+$/.test(part)) throw new Error(`impossible: ${part} in a shell's line`);
  return `curl -q -fsSk --pinnedpubkey '${pin}' -o ${FILE} '${url}' && printf %s '${token}' | sudo sh ${FILE}${mirror ? " --mirror" : ""}`;
}
