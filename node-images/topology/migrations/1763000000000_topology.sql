-- Up Migration

-- Who this node is. At most one row; absent until the node is initialised.
CREATE TABLE topology_node_identity (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  unique_identifier text NOT NULL
);

-- Public keys the node knows (serialized PublicKey), with the pair (serialized CryptoKeyPair) when it holds the private half too.
CREATE TABLE topology_keys (
  fingerprint text PRIMARY KEY,
  ordinal bigint GENERATED ALWAYS AS IDENTITY,
  purpose text NOT NULL CHECK (purpose IN ('signing', 'encryption')),
  name text NOT NULL DEFAULT '',
  public_key bytea NOT NULL,
  key_pair bytea
);

-- One row a topology store ('Authorized' or a domain id). The row is locked by whoever appends, so that positions
-- and timestamps within one store rise in commit order and a reader never sees a gap.
CREATE TABLE topology_stores (
  store text PRIMARY KEY,
  ordinal bigint GENERATED ALWAYS AS IDENTITY,
  last_position bigint NOT NULL DEFAULT 0,
  last_timestamp bigint NOT NULL DEFAULT 0
);

-- Every topology transaction a store has seen, accepted or rejected, in order. Times are microseconds since 1970.
-- valid_until is null while an addition is in force; a removal, and a rejected transaction, is in force at no time
-- (valid_until = valid_from).
CREATE TABLE topology_transactions (
  store text NOT NULL REFERENCES topology_stores (store),
  position bigint NOT NULL,
  sequenced bigint NOT NULL,
  valid_from bigint NOT NULL,
  valid_until bigint,
  operation text NOT NULL CHECK (operation IN ('Add', 'Remove', 'Replace')),
  mapping_type text NOT NULL,
  element_id text NOT NULL,
  namespace text NOT NULL,
  identifier text,
  signed_by text NOT NULL,
  serialized bytea NOT NULL,
  rejection text,
  PRIMARY KEY (store, position)
);
CREATE INDEX topology_transactions_in_force ON topology_transactions (store, mapping_type, position)
  WHERE valid_until IS NULL AND rejection IS NULL;
CREATE INDEX topology_transactions_by_element ON topology_transactions (store, element_id);
CREATE INDEX topology_transactions_by_time ON topology_transactions (store, valid_from);

-- How far somebody who reads a store in order (a dispatcher to a domain, the catch-up of one member) has come.
CREATE TABLE topology_watermarks (
  store text NOT NULL,
  reader text NOT NULL,
  position bigint NOT NULL,
  PRIMARY KEY (store, reader)
);

-- The last event of its subscription that a member has applied, written in the transaction that applied it.
CREATE TABLE topology_subscription_positions (
  domain_id text NOT NULL,
  member text NOT NULL,
  counter bigint NOT NULL,
  timestamp bigint NOT NULL,
  PRIMARY KEY (domain_id, member)
);

-- Down Migration

DROP TABLE topology_subscription_positions;
DROP TABLE topology_watermarks;
DROP TABLE topology_transactions;
DROP TABLE topology_stores;
DROP TABLE topology_keys;
DROP TABLE topology_node_identity;
