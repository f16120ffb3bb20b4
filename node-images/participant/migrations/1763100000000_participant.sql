-- Up Migration

-- The domains this participant was told about. domain_id and parameters (a serialized StaticDomainParameters) are what
-- the domain said of itself at the first handshake; the id never changes afterwards.
CREATE TABLE participant_domains (
  alias text PRIMARY KEY,
  ordinal bigint GENERATED ALWAYS AS IDENTITY,
  connection bytea NOT NULL,
  domain_id text UNIQUE,
  parameters bytea
);

-- The service agreements that the operator accepted.
CREATE TABLE participant_accepted_agreements (
  alias text NOT NULL REFERENCES participant_domains (alias) ON DELETE CASCADE,
  agreement_id text NOT NULL,
  accepted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (alias, agreement_id)
);

-- How far the own topology transactions (store 'Authorized') have been answered by a domain, and the request that is
-- in flight: it is sent again, with the same id and content, until it is answered.
CREATE TABLE participant_topology_dispatch (
  domain_id text PRIMARY KEY,
  position bigint NOT NULL DEFAULT 0,
  request_id text,
  request_positions bigint[] NOT NULL DEFAULT '{}',
  CHECK ((request_id IS NULL) = (cardinality(request_positions) = 0))
);

-- Own topology transactions that a domain did not take, with its reason; offered again at the next connection.
CREATE TABLE participant_topology_rejections (
  domain_id text NOT NULL REFERENCES participant_topology_dispatch (domain_id) ON DELETE CASCADE,
  position bigint NOT NULL,
  reason text NOT NULL,
  rejected_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (domain_id, position)
);

-- What only this participant knows about a party. resource_version is null until annotations were first written.
CREATE TABLE participant_parties (
  party text PRIMARY KEY,
  display_name text,
  resource_version bigint,
  annotations jsonb NOT NULL DEFAULT '{}'
);

-- Down Migration

DROP TABLE participant_parties;
DROP TABLE participant_topology_rejections;
DROP TABLE participant_topology_dispatch;
DROP TABLE participant_accepted_agreements;
DROP TABLE participant_domains;
