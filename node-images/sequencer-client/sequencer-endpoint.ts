/** Where one sequencer's public API is. */
export interface SequencerEndpoint {
  /** `http://host:port` (plain text) or `https://host:port`. */
  url: string;
  /** Trust anchors for `https`; default: the system's. */
  tls?: { caFile?: string; ca?: Buffer };
  /** Lower is preferred; default 0. Endpoints of the same priority keep the order given. */
  priority?: number;
}
