-- Up Migration

-- How far setting up the domain has come, and how far the dispatcher is. One row from the moment the domain's members
-- have a common start (the snapshot).
CREATE TABLE domain_manager_domain (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  -- What every sequencer and mediator starts from: a serialized TopologyTransactions, the same bytes for all of them.
  snapshot bytea NOT NULL,
  -- Where the sequencers are when they were given by DomainInitializationService rather than by the configuration:
  -- a serialized SequencerConnection.
  connection bytea,
  -- Counter of the last event of the own subscription whose registration requests were decided.
  requests_decided bigint NOT NULL DEFAULT -1,
  -- Position in the Authorized store up to which everything was broadcast (or is part of the snapshot).
  dispatched bigint NOT NULL,
  -- Sequencing time (microseconds since 1970) of the last message that was sent.
  last_sent bigint NOT NULL DEFAULT 0,
  -- Number of the message that is planned next; part of its id.
  message_number bigint NOT NULL DEFAULT 0,
  -- The message that was planned and is not yet known to be sequenced: its content is fixed before the first attempt,
  -- so that a repetition after a crash is the same message, which the sequencer recognises by its id.
  pending_after bigint,
  pending_up_to bigint,
  pending_catch_up text,
  pending_participants text[],
  pending_attempt integer,
  -- Its sequencing time, when it was seen to come back through the own subscription.
  pending_sequenced bigint
);

-- Participants that are not active: the last position of the Authorized store that each has received.
CREATE TABLE domain_manager_watermarks (
  participant text PRIMARY KEY,
  position bigint NOT NULL
);

-- Sequencers and mediators of the configuration that answered once.
CREATE TABLE domain_manager_peers (
  kind text NOT NULL CHECK (kind IN ('sequencer', 'mediator')),
  name text NOT NULL,
  -- The signing key it answered with.
  fingerprint text NOT NULL,
  bootstrapped boolean NOT NULL DEFAULT false,
  PRIMARY KEY (kind, name)
);

-- Answers to registration requests, from the moment the request is decided until its answer is sequenced.
CREATE TABLE domain_manager_responses (
  -- Counter, in the stream of DOM::, of the event that carried the request, and its place in that event.
  counter bigint NOT NULL,
  place integer NOT NULL,
  recipient text NOT NULL,
  content bytea NOT NULL,
  attempt integer NOT NULL DEFAULT 0,
  PRIMARY KEY (counter, place)
);

-- Down Migration

DROP TABLE domain_manager_responses;
DROP TABLE domain_manager_peers;
DROP TABLE domain_manager_watermarks;
DROP TABLE domain_manager_domain;
