-- Up Migration

-- The backend shared by all sequencers of one domain. All times are microseconds since the epoch.

-- The domain this backend belongs to: set once, by the first sequencer that is initialised.
CREATE TABLE sequencer_domain (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  domain_id text NOT NULL,
  -- protocol.v1.StaticDomainParameters, serialized
  static_parameters bytea NOT NULL
);

-- The head of the log. Its row lock is what orders the sequencers' batches: it is taken before timestamps are assigned and held until the commit, so commits happen in the order of timestamps
-- and a reader that has seen a timestamp will never see a smaller one appear.
CREATE TABLE sequencer_clock (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  last_timestamp bigint NOT NULL
) WITH (fillfactor = 20);
INSERT INTO sequencer_clock (last_timestamp) VALUES (0);

CREATE TABLE sequencer_members (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  member text NOT NULL UNIQUE,
  registered_at bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
  -- the counter of this member's next event
  next_counter bigint NOT NULL DEFAULT 0,
  acknowledged bigint,
  enabled boolean NOT NULL DEFAULT true
) WITH (fillfactor = 50);

-- One row a message.
CREATE TABLE sequencer_events (
  ts bigint PRIMARY KEY,
  sender integer NOT NULL,
  message_id text COLLATE "C" NOT NULL,
  -- why it was delivered to nobody but its sender; null: delivered
  error text,
  traceparent text,
  -- protocol.v0.Batch with its version, not compressed; it names the recipients of every envelope
  payload bytea NOT NULL
);
-- Batches are mostly ciphertext: compressing them costs and gains nothing.
ALTER TABLE sequencer_events ALTER COLUMN payload SET STORAGE EXTERNAL;
-- A message that is sent again is not sequenced again. The id comes first: clients make ids that grow with time, so that
-- new entries go to the end of the index.
CREATE UNIQUE INDEX sequencer_events_message ON sequencer_events (message_id, sender);

-- Who gets which message, at which position of their stream: one row for all that one written batch brings to one member, so a busy domain writes a few rows a batch and not one a message
-- and recipient. Counter first_counter + k is the event at base_timestamp + offsets[k + 1].
CREATE TABLE sequencer_deliveries (
  member integer NOT NULL,
  first_counter bigint NOT NULL,
  base_timestamp bigint NOT NULL,
  offsets integer[] NOT NULL,
  PRIMARY KEY (member, first_counter)
);
ALTER TABLE sequencer_deliveries ALTER COLUMN offsets SET STORAGE EXTERNAL;

-- Sequences a batch of messages in one round trip: all of them or none.
-- Message n is described by the n-th element of p_senders to p_lengths; an array that is empty stands for nulls. Its payload is
-- the p_lengths[n] bytes of p_payload from p_starts[n] (the first is 1). p_offsets[m], an integer[] literal, lists the
-- messages (from 0, ascending) that go to p_members[m].
-- Answers base: message n got the timestamp base + n - 1. When it is null, nothing was written, because too_late, the time that
-- the last message would have got, is after p_deadline, the smallest maximum sequencing time.
-- Fails on sequencer_events_message when a message was sequenced before; then nothing is written either.
CREATE FUNCTION sequencer_write(
  p_senders integer[],
  p_message_ids text[],
  p_errors text[],
  p_traceparents text[],
  p_starts integer[],
  p_lengths integer[],
  p_payload bytea,
  p_members integer[],
  p_offsets text[],
  p_deadline bigint,
  OUT base bigint,
  OUT too_late bigint
) LANGUAGE plpgsql
-- Plans are cached; one made while the tables were empty must not scan them when they are large.
SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_last bigint;
BEGIN
  -- clock_timestamp, not now(): this transaction may have begun before the one whose lock it waited for.
  SELECT greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, last_timestamp + 1)
  INTO base FROM sequencer_clock FOR UPDATE;
  v_last := base + cardinality(p_senders) - 1;
  IF v_last > p_deadline THEN
    too_late := v_last;
    base := NULL;
    RETURN;
  END IF;
  UPDATE sequencer_clock SET last_timestamp = v_last;

  INSERT INTO sequencer_events (ts, sender, message_id, error, traceparent, payload)
  SELECT base + n - 1, sender, message_id, error, traceparent, substring(p_payload FROM start FOR length)
  FROM unnest(p_senders, p_message_ids, p_errors, p_traceparents, p_starts, p_lengths)
       WITH ORDINALITY AS s (sender, message_id, error, traceparent, start, length, n);

  WITH block AS (
    SELECT member, offsets::integer[] AS offsets FROM unnest(p_members, p_offsets) AS b (member, offsets)
  ), advanced AS (
    UPDATE sequencer_members m SET next_counter = m.next_counter + cardinality(b.offsets)
    FROM block b WHERE m.id = b.member
    RETURNING m.id, m.next_counter - cardinality(b.offsets) AS first_counter, b.offsets
  )
  INSERT INTO sequencer_deliveries (member, first_counter, base_timestamp, offsets)
  SELECT id, first_counter, base, offsets FROM advanced;

  PERFORM pg_notify('canton_sequencer', '');
END;
$$;

-- Down Migration

DROP FUNCTION sequencer_write;
DROP TABLE sequencer_deliveries, sequencer_events, sequencer_members, sequencer_clock, sequencer_domain;
