import { contentOfConfiguration, contentOfInspection } from "@fettle/shared/mirror/image-content.ts";
import t from "tap";

const layers = [`sha256:${"6".repeat(64)}`, `sha256:${"b".repeat(64)}`];
const Env = ["PATH=/usr/local/bin:/usr/bin", "AIGW_CUSTOM_MODELS__ENABLED=true"];
const Cmd = ["node", "/app/gateway.mjs"];

/** As it lies in an archive of Docker 20.10. */
const saved = {
  architecture: "amd64",
  os: "linux",
  created: "2026-01-01T00:00:00Z",
  config: { User: "aigateway", WorkingDir: "/app", Env, Cmd, ExposedPorts: { "5052/tcp": {} } },
  rootfs: { type: "layers", diff_ids: layers },
};
/** What Docker 29.1.3 with the containerd store says of it when it has loaded that. */
const loaded = {
  Id: `sha256:${"a".repeat(64)}`,
  Config: { User: "aigateway", ExposedPorts: { "5052/tcp": {} }, Env, Cmd, WorkingDir: "/app" },
  Architecture: "amd64",
  Os: "linux",
  RootFS: { Type: "layers", Layers: layers },
};
/** And Docker 20.10, which writes out what is not set. */
const written = {
  ...loaded,
  Config: { ...loaded.Config, Entrypoint: null, Volumes: null, OnBuild: null, Labels: null },
};

const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));

t.test("an image's configuration and what an Engine says of it are one text", async (t) => {
  const content = contentOfConfiguration(bytesOf(saved));
  t.type(content, "string");
  t.equal(contentOfInspection(loaded), content);
  t.equal(contentOfInspection(written), content);
});

t.test("another image is another text", async (t) => {
  const content = contentOfConfiguration(bytesOf(saved));
  const others = [
    { ...loaded, RootFS: { Layers: layers.toReversed() } },
    { ...loaded, RootFS: { Layers: layers.slice(0, 1) } },
    { ...loaded, Architecture: "arm64" },
    { ...loaded, Os: "windows" },
    ...Object.keys(loaded.Config)
      .filter((key) => key !== "ExposedPorts")
      .map((key) => ({ ...loaded, Config: { ...loaded.Config, [key]: undefined } })),
    { ...loaded, Config: { ...loaded.Config, Entrypoint: ["/evil"] } },
    { ...loaded, Config: null },
  ];
  for (const other of others) t.not(contentOfInspection(other), content, JSON.stringify(other));
});

t.test("what is no image has none", async (t) => {
  for (const config of [{}, [], "x", { ...saved, rootfs: {} }, { ...saved, rootfs: { diff_ids: [] } }])
    t.equal(contentOfConfiguration(bytesOf(config)), null);
  t.equal(contentOfConfiguration(Buffer.from("{")), null);
  for (const said of [null, {}, { ...loaded, RootFS: null }]) t.equal(contentOfInspection(said), null);
});
