import t from "tap";
import { readConfig } from "./config.ts";
import { imageTag } from "./image/recipe.ts";
import { addressOf, zoneOf } from "./layout.ts";
import { answerTo } from "./name-server.ts";
import { parseSubnet } from "./subnet.ts";

const subnets = [
  { text: "172.31.11.0/24", ollama: "172.31.11.27" },
  { text: "10.1.2.64/27", ollama: "10.1.2.91" },
  { text: "10.8.0.0/16", ollama: "10.8.0.27" },
  { text: "172.31.11.0/28", ollama: undefined },
  { text: "172.31.11.1/24", ollama: undefined },
  { text: "172.31.256.0/24", ollama: undefined },
  { text: "172.31.11.0", ollama: undefined },
];

for (const { text, ollama } of subnets) {
  t.test(`${text} is ${ollama === undefined ? "refused" : "a subnet"}`, async (t) => {
    if (ollama === undefined) t.throws(() => parseSubnet(text), { code: "lab.subnet.invalid" });
    else t.equal(addressOf(parseSubnet(text), "ollama-1"), ollama);
  });
}

t.test("the hosts' distribution is this machine's, or the one that is named", async (t) => {
  const line = "http://mirror.example.com/ubuntu noble main universe";
  const mirror = { url: "http://mirror.example.com/ubuntu", suite: "noble", components: ["main", "universe"] };
  t.match(readConfig({}, { FETTLE_LAB_MIRROR: line }), { base: "debootstrap", mirror });
  t.match(readConfig({}, {}), { base: "auto", mirror: null });
  t.not(imageTag({ mirror }), imageTag({ mirror: null }), "each has an image of its own");
  for (const bad of ["noble", "http://mirror.example.com noble", "file:///x noble main"])
    t.throws(() => readConfig({}, { FETTLE_LAB_MIRROR: bad }), { code: "lab.mirror.invalid" }, bad);
});

const zone = zoneOf(parseSubnet("172.31.11.0/24"));
const questions = [
  { name: "gitlab.example.com", type: 1, code: 0, address: "172.31.11.10" },
  { name: "GITLAB.example.com", type: 1, code: 0, address: "172.31.11.10" },
  { name: "registry.gitlab.com", type: 1, code: 0, address: "172.31.11.5" },
  { name: "gateway-1", type: 28, code: 0, address: undefined },
  { name: "example.org", type: 1, code: 3, address: undefined },
];

for (const { name, type, code, address } of questions) {
  t.test(`the answer for ${name} type ${type}`, async (t) => {
    const answer = answerTo(query(name, type), zone) ?? Buffer.alloc(12);
    t.equal(answer.readUInt16BE(0), 7);
    t.equal(answer.readUInt16BE(2) % 16, code);
    t.equal(answer.readUInt16BE(6), address === undefined ? 0 : 1);
    if (address !== undefined) t.equal([...answer.subarray(-4)].join("."), address);
  });
}

t.test("what is no query gets no answer", async (t) => {
  t.equal(answerTo(Buffer.from("hello"), zone), undefined);
  t.equal(answerTo(query("example.org", 1).subarray(0, 20), zone), undefined);
});

function query(name: string, type: number): Buffer {
  const labels = name.split(".").flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  return Buffer.concat([Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), ...labels, Buffer.from([0, 0, type, 0, 1])]);
}
