-- Up Migration

-- The domain of this mediator. One row from the moment it is initialised.
CREATE TABLE mediator_domain (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  domain_id text NOT NULL,
  -- The signing key that was told to the domain.
  signing_key text NOT NULL,
  -- Where the sequencers are: a serialized SequencerConnection.
  connection bytea NOT NULL,
  -- What the members of the domain start from: a serialized TopologyTransactions.
  snapshot bytea NOT NULL
);

-- Down Migration

DROP TABLE mediator_domain;
