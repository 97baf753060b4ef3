import { GraphQLError } from "graphql";

/** `gid://gitlab/Ai::SelfHostedModel/1` */
export function gid(kind: string, id: string): string {
  return `gid://gitlab/${kind}/${id}`;
}

/** The plain id of a global id of that kind; anything else is a top-level error, as for the real scalars. */
export function parseGid(value: string, kind: string): string {
  const found = /^gid:\/\/gitlab\/([A-Za-z:]+)\/(\d+)$/.exec(value);
  if (!found) throw new GraphQLError(`"${value}" is not a valid Global ID`);
  if (found[1] !== kind) throw new GraphQLError(`"${value}" does not represent an instance of ${kind}`);
  return found[2] ?? "";
}

export const MODEL = "Ai::SelfHostedModel";
export const PURCHASE = "GitlabSubscriptions::AddOnPurchase";
export const USER = "User";
export const THREAD = "Ai::Conversation::Thread";
