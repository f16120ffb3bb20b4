-- Up Migration

-- Who has accepted which version of the domain's terms of service, with the evidence: the participant's signature over the
-- nonce, the domain id and the version of the terms, with which it authenticated for the first time after accepting them.
CREATE TABLE sequencer_agreement_acceptances (
  agreement_id text NOT NULL,
  -- SHA-256 of the text, in hexadecimal digits
  text_hash text NOT NULL,
  participant text NOT NULL,
  nonce bytea NOT NULL,
  -- crypto.v0.Signature, serialized
  signature bytea NOT NULL,
  accepted_at bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
  PRIMARY KEY (agreement_id, text_hash, participant)
);

-- Down Migration

DROP TABLE sequencer_agreement_acceptances;
