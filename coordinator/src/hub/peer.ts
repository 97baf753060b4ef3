/** Who is at the other end of a connection, as the certificate and the store say; never as the agent says. */
export interface Peer {
  readonly node: string;
  readonly stack: string;
  /** Fingerprint of the certificate that it showed. */
  readonly identity?: string;
}

/** What a client certificate shows. */
export interface ShownCertificate {
  /** sha256 of its DER, 64 hex digits. */
  readonly fingerprint: string;
  readonly commonName: string;
  /** What else its issuer wrote in it. */
  readonly made?: { readonly notBefore: number; readonly notAfter: number; readonly keyHash: string };
}
