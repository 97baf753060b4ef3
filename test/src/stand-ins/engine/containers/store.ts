/** The containers on this machine: one folder each in the engine's own, so that a new engine finds them. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { conflict, notFound } from "../errors.ts";
import type { ContainerRecord } from "./record.ts";

export class ContainerStore {
  readonly #root: string;
  readonly #containers = new Map<string, ContainerRecord>();

  constructor(root: string) {
    this.#root = join(root, "containers");
    mkdirSync(this.#root, { recursive: true });
    for (const id of readdirSync(this.#root)) {
      this.#containers.set(id, JSON.parse(readFileSync(this.#file(id), "utf8")) as ContainerRecord);
    }
  }

  /** Newest first. */
  all(): ContainerRecord[] {
    return [...this.#containers.values()].sort((a, b) => (a.created < b.created ? 1 : -1));
  }

  /** By id, name or the first digits of the id. */
  get(name: string): ContainerRecord {
    const plain = name.replace(/^\//, "");
    const found =
      this.#containers.get(plain) ??
      this.all().find((one) => one.name === plain) ??
      this.all().find(({ id }) => plain !== "" && id.startsWith(plain));
    if (found === undefined) throw notFound(`No such container: ${name}`);
    return found;
  }

  has(id: string): boolean {
    return this.#containers.has(id);
  }

  refuseTakenName(name: string): void {
    const owner = this.all().find((one) => one.name === name);
    if (owner === undefined) return;
    const advice = "You have to remove (or rename) that container to be able to reuse that name.";
    throw conflict(`Conflict. The container name "/${name}" is already in use by container "${owner.id}". ${advice}`);
  }

  add(container: ContainerRecord): void {
    mkdirSync(join(this.#root, container.id), { recursive: true });
    this.#containers.set(container.id, container);
    this.save(container);
  }

  save(container: ContainerRecord): void {
    const file = this.#file(container.id);
    writeFileSync(`${file}.new`, JSON.stringify(container));
    renameSync(`${file}.new`, file);
  }

  delete(id: string): void {
    this.#containers.delete(id);
    rmSync(join(this.#root, id), { recursive: true, force: true });
  }

  folder(id: string): string {
    return join(this.#root, id);
  }

  logFile(id: string): string {
    return join(this.#root, id, `${id}-json.log`);
  }

  #file(id: string): string {
    return join(this.#root, id, "config.v2.json");
  }
}
