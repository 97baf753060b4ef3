import { dirname } from "node:path";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { type Clients, makeClients } from "../clients/clients.ts";
import { nameOf } from "../resources/gateway/containers.ts";
import { SET_ASIDE, setKeysAside } from "../resources/gateway/set-aside-keys.ts";
import { DROP_IN, DROP_IN_FOLDER } from "../resources/ollama/unit-file.ts";
import { openDesired } from "../store/desired.ts";
import type { Host } from "../system/host.ts";
import { endToken, type FoundToken, findToken } from "./gitlab-token.ts";
import { isNothing, type OwnParts, ownParts, type Places } from "./own-parts.ts";
import { findProducts, isRunning, type Products } from "./products.ts";
import { answers, quieten, type Running, unquieten } from "./quiet.ts";
import { endTransient, stopUnits } from "./units.ts";

export interface UninstallParts {
  readonly host: Host;
  readonly places: Places;
  readonly socket: string;
  readonly user: string;
  /** Tells the coordinator that this machine is no node any more; what to say of it. Never throws. */
  readonly goodbye: () => Promise<string>;
}

/** What an uninstall found; nothing is changed yet. */
export interface Found {
  readonly own: OwnParts;
  readonly token: FoundToken | null;
  readonly products: Products;
}

export interface Wishes {
  readonly purge: boolean;
  /** Go on although the token cannot be revoked now, or the agent is at work. */
  readonly anyway: boolean;
}

/** Takes the agent off this machine, also when it is dead, half installed or half removed; no product is stopped. */
export class Uninstall {
  readonly #parts: UninstallParts;
  readonly #clients: Clients;

  constructor(parts: UninstallParts) {
    this.#parts = parts;
    this.#clients = makeClients(parts.host);
  }

  async look(): Promise<Found> {
    const { host, places } = this.#parts;
    const { files } = host;
    const secretsFolder = `${places.dataFolder}/secrets`;
    const roles = await this.#roles();
    const { engine, gitlab } = this.#clients;
    return {
      own: await ownParts(files, places),
      token: await findToken({ files, gitlab, secretsFolder, params: roles.gitlab }),
      products: await findProducts({ files, engine, secretsFolder, roles }),
    };
  }

  /** Each step can be cut short and done again; `say` is told what was done. */
  async carryOut(found: Found, { purge, anyway }: Wishes, say: (line: string) => void): Promise<void> {
    await this.#leave(found, anyway, say);
    for (const line of await endTransient(this.#parts.host, found.own.transient)) say(line);
    if (purge) await this.#purge(found.products, say);
    else await this.#setKeysAside(found.products);
    await this.#remove(found.own, say);
  }

  isDone({ own, products }: Found, purge: boolean): boolean {
    const left = purge && (products.dropIn || products.keys || products.containers.some((one) => !isRunning(one)));
    return isNothing(own) && !left;
  }

  /** Stops the agent, then ends what it holds elsewhere. Until the token is ended all of it can be taken back. */
  async #leave({ own, token }: Found, anyway: boolean, say: (line: string) => void): Promise<void> {
    const { host, goodbye } = this.#parts;
    if (token !== null && token.problem !== null && !anyway) await endToken(this.#clients.gitlab, token, false);
    const running: Running = this.#parts;
    await quieten(running, anyway);
    const stopped = await stopUnits(host.units, own.units);
    if (await answers(running)) throw new FettleError("agent.uninstall-running", { path: this.#parts.socket });
    try {
      if (token !== null) say(await endToken(this.#clients.gitlab, token, anyway));
    } catch (error) {
      for (const unit of stopped) await host.units.start(unit);
      await unquieten(running);
      throw error;
    }
    for (const unit of stopped) say(`Stopped ${unit}.`);
    if (own.dataPaths.includes(this.#parts.places.dataFolder)) say(await goodbye());
  }

  /** Not before all else: a container that runs keeps running. */
  async #purge({ dropIn, containers }: Products, say: (line: string) => void): Promise<void> {
    const { files } = this.#parts.host;
    const { engine } = this.#clients;
    for (const container of containers) {
      if (isRunning(container)) await engine.containers.setRestartPolicy(container.Id, "no");
      else await engine.containers.remove(container.Id);
      say(
        isRunning(container)
          ? `${nameOf(container)} runs on and is not started again.`
          : `Removed ${nameOf(container)}.`,
      );
    }
    if (dropIn) {
      await files.remove(DROP_IN);
      if ((await files.list(DROP_IN_FOLDER))?.length === 0) await files.removeTree(DROP_IN_FOLDER);
      say(`Removed ${DROP_IN}.`);
    }
    await files.removeTree(SET_ASIDE);
  }

  async #setKeysAside({ keys, keepsKeys }: Products): Promise<void> {
    const { host, places } = this.#parts;
    if (keys && keepsKeys) await setKeysAside(host.files, `${places.dataFolder}/secrets`);
    else await host.files.removeTree(SET_ASIDE);
  }

  async #remove({ unitPaths, dataPaths, programPaths }: OwnParts, say: (line: string) => void): Promise<void> {
    const { files, units } = this.#parts.host;
    await this.#removeAll(unitPaths, say);
    // Also for a drop-in that is gone: systemd says else that its files changed.
    if (await units.available()) await units.daemonReload();
    await this.#removeAll(dataPaths, say);
    const settings = dirname(this.#parts.places.configPath);
    if ((await files.list(settings))?.length === 0) await this.#removeAll([settings], say);
    await this.#removeAll(programPaths, say);
  }

  async #removeAll(paths: readonly string[], say: (line: string) => void): Promise<void> {
    for (const path of paths) {
      try {
        await this.#parts.host.files.removeTree(path);
      } catch (cause) {
        throw new FettleError("agent.uninstall-stuck", { what: path, problem: messageOf(cause) }, { cause });
      }
      say(`Removed ${path}.`);
    }
  }

  /** What cannot be read any more is treated as nothing: it must not stand in the way. */
  async #roles(): Promise<Readonly<Record<string, unknown>>> {
    const { host, places } = this.#parts;
    const store = await openDesired(host.files, places.dataFolder).catch(() => null);
    return store?.current()?.roles ?? {};
  }
}
