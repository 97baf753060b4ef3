/**
 * The contract against a real Engine, by hand or from the lab: `node contract-real.ts SOCKET BUSYBOX [ADDRESS]`, where
 * BUSYBOX is a statically linked one and ADDRESS an address of that machine to publish ports on.
 */
import Docker from "dockerode";
import t from "tap";
import { runContract } from "./contract.ts";
import { CONTRACT_IMAGE, importContractImage } from "./contract-image.ts";

const [socket = "/var/run/docker.sock", busybox = "/bin/busybox", address = "127.0.0.1"] = process.argv.slice(2);
const docker = new Docker({ socketPath: socket });
await importContractImage(docker, busybox);
await runContract(t, { docker, socket, image: CONTRACT_IMAGE, address });
