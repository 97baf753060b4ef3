import * as z from "zod";
import { address, name } from "../fields.ts";

const node = z
  .strictObject({
    address: address.describe(
      "The node's address on the private network, as the other nodes reach it. Declared, never discovered: a machine that reports another one is a finding and changes nothing.",
    ),
  })
  .describe("One machine.");

export const nodes = z
  .record(name, node)
  .describe("The machines of the stack by name. A node may hold several roles, or none yet.");
