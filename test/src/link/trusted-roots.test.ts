import type { Identity } from "@fettle/agent/store/identity.ts";
import { hashesOf, TrustedRoots } from "@fettle/agent/trusted-roots.ts";
import { pemsOf } from "@fettle/shared/lib/certificates.ts";
import { pino } from "pino";
import t from "tap";
import { agentCert, newCa, newIdentity, newServer } from "./certificates.ts";

const [first, second, third] = [await newCa(), await newCa(), await newCa()];
const leaf = (await newServer(first)).cert;
const lookalike = first.certificate.replace(/[A-Za-z]{8}/, "AAAAAAAA");

interface Case {
  readonly name: string;
  readonly held: readonly string[];
  readonly said: readonly string[];
  readonly trusted: readonly string[];
}

const [a, b, c] = [first.certificate, second.certificate, third.certificate];

const cases: Case[] = [
  { name: "none said: as it was", held: [a], said: [], trusted: [a] },
  { name: "the next one beside the one in use", held: [a], said: [a, b], trusted: [a, b] },
  { name: "in whatever order", held: [a, b], said: [b, a], trusted: [a, b] },
  { name: "the old one dropped", held: [a, b], said: [b], trusted: [b] },
  { name: "others alone", held: [a], said: [b, c], trusted: [a] },
  { name: "a leaf beside it", held: [a], said: [a, leaf], trusted: [a] },
  { name: "a leaf in one text with it", held: [a], said: [`${a}\n${leaf}`], trusted: [a] },
  { name: "a root whose bytes were changed", held: [b], said: [b, lookalike], trusted: [b] },
  { name: "no certificate", held: [a], said: [a, "hello"], trusted: [a] },
  { name: "two in one place", held: [a], said: [`${a}\n${b}`], trusted: [a] },
];

for (const { name, held, said, trusted } of cases)
  t.test(`roots from the coordinator: ${name}`, async (t) => {
    const identity: { now: Identity | null } = { now: { ...(await newIdentity(first)), ca: held.join("\n") } };
    const stored: string[] = [];
    let told = 0;
    const roots = new TrustedRoots({
      store: {
        trust: async (ca) => {
          stored.push(ca);
        },
      },
      identity,
      onChange: () => {
        told += 1;
      },
      log: pino({ level: "silent" }),
    });
    await roots.take({ roots: [...said] });
    t.same(
      pemsOf(identity.now?.ca ?? ""),
      trusted.map((pem) => pem.trim()),
    );
    const changed = trusted.length !== held.length;
    t.equal(told, changed ? 1 : 0);
    t.same(stored, changed ? [identity.now?.ca] : [], "what is trusted is on disk, and nothing is written for nothing");
  });

t.test("what could not be written is not trusted, and not said to be", async (t) => {
  const identity: { now: Identity | null } = { now: await newIdentity(first) };
  const store = { trust: () => Promise.reject(new Error("ENOSPC")) };
  const onChange = () => t.fail("nothing has changed");
  const roots = new TrustedRoots({ store, identity, onChange, log: pino({ level: "silent" }) });
  await roots.take({ roots: [a, b] });
  t.same(hashesOf(identity.now?.ca ?? "").length, 1);
  t.equal(hashesOf(await agentCert(first, first.key)).length, 0, "a leaf is no root");
});
