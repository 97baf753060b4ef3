import type { ContractCase } from "../contract-kit.ts";

export const images: readonly ContractCase[] = [
  {
    name: "an image: inspected, listed, tagged, untagged",
    run: async (t, kit) => {
      const seen = await kit.docker.getImage(kit.image).inspect();
      t.match(seen, { Os: "linux", Id: /^sha256:[0-9a-f]{64}$/, RepoTags: [kit.image], Config: { Cmd: ["serve"] } });
      t.ok(seen.Config.Env?.includes("CONTRACT=baked"));
      t.match(seen.Config.ExposedPorts, { "8080/tcp": {} });
      const repo = `fettle/tag-${kit.mark}`;
      await kit.docker.getImage(kit.image).tag({ repo, tag: "2" });
      t.equal((await kit.docker.getImage(`${repo}:2`).inspect()).Id, seen.Id);
      const listed = await kit.docker.listImages({ filters: { reference: [repo] } });
      t.equal(listed.length, 1);
      t.ok(listed[0]?.RepoTags?.includes(`${repo}:2`));
      t.same(await kit.docker.getImage(`${repo}:2`).remove(), [{ Untagged: `${repo}:2` }]);
      t.match(await kit.refusal(kit.docker.getImage(`${repo}:2`).inspect()), {
        status: 404,
        message: /no such image/i,
      });
      t.equal((await kit.docker.getImage(kit.image).inspect()).Id, seen.Id, "the image itself is still there");
    },
  },
  {
    name: "an image in use is not removed",
    run: async (t, kit) => {
      await kit.create("one");
      const refusal = await kit.refusal(kit.docker.getImage(kit.image).remove());
      t.match(refusal, { status: 409, message: /^conflict: unable to remove repository reference/ });
    },
  },
  {
    name: "a registry that is not there is an error before any progress",
    run: async (t, kit) => {
      const refused = await kit.http({ method: "POST", path: "/images/create?fromImage=127.0.0.1:1/a/b&tag=1" });
      t.match(refused, { status: 500, text: /\/v2\/.*dial tcp .*connection refused/ });
      const unknown = await kit.http({ method: "POST", path: "/images/create?fromImage=nosuch.invalid/a/b&tag=1" });
      t.match(unknown, { status: 500, text: /lookup nosuch.invalid.*: no such host/ });
      const bad = await kit.http({ method: "POST", path: "/images/create?fromImage=BAD&tag=1" });
      t.match(bad, { status: 400, text: /repository name must be lowercase/ });
    },
  },
];
