/** What the kinds of this role tell each other from one pass to the next; nothing is lost when it is forgotten. */
export interface Notes {
  /** GitLab's outbound filter refused the gateway's address. */
  refusal: OutboundRefusal | null;
  /** Wall-clock ms of the last change by Fettle to what an answer of a model depends on. */
  changedAt: number;
  /** A model is being tested. */
  checking: boolean;
}

export interface OutboundRefusal {
  /** GitLab's own words. */
  readonly problem: string;
  /** Monotonic ms. */
  readonly at: number;
  /** The list and the switch as they were at the last look; null before the first. */
  seen: string | null;
}

export function newNotes(): Notes {
  return { refusal: null, changedAt: 0, checking: false };
}
