export interface PageArgs {
  after?: string | null;
  before?: string | null;
  first?: number | null;
  last?: number | null;
}

export interface Page<T> {
  nodes: T[];
  edges: { cursor: string; node: T }[];
  pageInfo: {
    startCursor: string | null;
    endCursor: string | null;
    hasNextPage: boolean;
    hasPreviousPage: boolean;
  };
}

/** GitLab never gives more than this at once, asked or not. */
const MOST = 100;

/** A Relay connection over a list that is all in memory. */
export function page<T>(items: readonly T[], args: PageArgs): Page<T> {
  const from = args.after ? position(args.after) + 1 : 0;
  const to = args.before ? position(args.before) : items.length;
  const size = Math.min(args.first ?? args.last ?? MOST, MOST);
  const start = args.last ? Math.max(from, to - size) : from;
  const end = Math.min(to, start + size);
  const edges = items.slice(start, end).map((node, index) => ({ cursor: cursor(start + index), node }));
  return {
    nodes: edges.map((edge) => edge.node),
    edges,
    pageInfo: {
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
      hasNextPage: end < items.length,
      hasPreviousPage: start > 0,
    },
  };
}

function cursor(index: number): string {
  return Buffer.from(JSON.stringify({ index })).toString("base64");
}

function position(value: string): number {
  const parsed: unknown = JSON.parse(Buffer.from(value, "base64").toString("utf8"));
  return Number((parsed as { index?: unknown }).index ?? 0);
}
