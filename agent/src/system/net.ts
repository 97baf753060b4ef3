export interface Listener {
  /** As in `172.31.11.27`, `0.0.0.0` or `::`. */
  readonly address: string;
  readonly port: number;
  /** null when it was not asked for or cannot be known. */
  readonly pid: number | null;
}

export interface Connection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

export interface TlsPeer {
  /** Node's error code when the certificate does not verify, as in CERT_HAS_EXPIRED, SELF_SIGNED_CERT_IN_CHAIN. */
  readonly problem: string | null;
  readonly subject: string;
  readonly issuer: string;
  /** Wall-clock ms. */
  readonly expiresAt: number;
}

export interface Net {
  /** A plain TCP connect: `filtered` when nothing answers in time. */
  probe(
    host: string,
    port: number,
    timeoutMs: number,
  ): Promise<"ok" | "refused" | "filtered" | "unreachable" | "unknown-name">;
  /**
   * TCP sockets in LISTEN on this machine. Who holds them is looked up only with `port`, which also leaves the others
   * out: that look goes over every process.
   */
  listeners(port?: number): Promise<readonly Listener[]>;
  /**
   * Established TCP connections whose local port is `port`; with `pid` in the network of that process, which for a
   * container's is another one than the machine's.
   */
  connections(port: number, pid?: number): Promise<readonly Connection[]>;
  /** This machine's addresses without loopback and link-local ones. */
  addresses(): Promise<readonly string[]>;
  /** A TLS handshake that looks at the certificate, with the system's trust and `ca`; throws like Http on the network. */
  tls(host: string, port: number, options: { servername?: string; ca?: string; timeoutMs: number }): Promise<TlsPeer>;
}
