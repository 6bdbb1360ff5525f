/** What a config says of reaching a server; everything else comes from the environment and from files, as with libpq. */
export interface ConnectionConfig {
  /** `postgres://…`; undefined when everything comes from the environment. A secret. */
  readonly url?: string | undefined;
  /** Certificate of the authority that signed the server's certificate, as PEM. Without an sslmode it means verify-full. */
  readonly ssl_ca_pem?: string | undefined;
  /** Our own certificate, for a server that asks for one, as PEM. */
  readonly ssl_cert_pem?: string | undefined;
  /** Its key, as PEM. A secret. */
  readonly ssl_key_pem?: string | undefined;
  /** What the server is told who this is, where nothing else says it; `penstock` otherwise. */
  readonly application_name?: string | undefined;
  readonly limits: {
    /** For each server, in seconds. */
    readonly connect_seconds_max: number;
    /** How long a statement may take, in seconds; no limit otherwise. */
    readonly query_seconds_max?: number | undefined;
  };
}
