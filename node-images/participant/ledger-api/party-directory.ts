/** A party that this participant knows of. */
export interface KnownParty {
  /** `identifier::fingerprint`. */
  readonly party: string;
  /** Whether this participant hosts it. */
  readonly isLocal: boolean;
}

/** The parties of all domains this participant was ever connected to. */
export interface PartyDirectory {
  /** All of them, each once, sorted by id. */
  list(): Promise<KnownParty[]>;
}
