/** The life of one topology transaction, put together from what all nodes wrote about it. Pure. */
import type { StepLine } from "./step-line.ts";

/** One step that was taken. */
export interface LifeStep {
  /** As the seed's "Life of a Party" numbers it; absent for what it does not name. */
  readonly number: string | undefined;
  readonly step: string;
  readonly node: string;
  /** The domain, for the steps that each domain takes on its own. */
  readonly domainId: string | undefined;
  /** ISO 8601. */
  readonly at: string;
  /** Since the step before it; clocks of different nodes may differ. */
  readonly milliseconds: number | undefined;
  readonly detail: string;
}

/** A transaction's life so far. */
export interface Life {
  readonly transaction: string;
  readonly elementId: string;
  readonly operation: string;
  readonly mapping: string;
  readonly traceIds: readonly string[];
  readonly steps: readonly LifeStep[];
  /** What is still to come, in words; empty when the life is complete. */
  readonly waitingFor: readonly string[];
}

type Step = Omit<LifeStep, "milliseconds">;

/**
 * Puts a life together.
 *
 * @param lines all about one transaction, in any order
 */
export function lifeOf(lines: readonly StepLine[]): Life {
  const sorted = lines.toSorted((a, b) => a["@timestamp"].localeCompare(b["@timestamp"]));
  const [first] = sorted;
  if (first === undefined) throw new RangeError("there is no line to make a life of");
  const domainOf = domainsByNode(sorted);
  const origin =
    sorted.find(({ step, role }) => step === "stored" && role === "participant") ??
    sorted.find(({ step }) => step === "stored");
  const steps: Step[] = [];
  if (origin !== undefined) {
    const { node } = origin;
    steps.push(
      {
        number: "3",
        step: "authorised",
        node,
        domainId: undefined,
        at: origin.authorised ?? origin["@timestamp"],
        detail: "",
      },
      { number: "4", step: "stored", node, domainId: undefined, at: origin["@timestamp"], detail: "" },
    );
  }
  const domains = [...new Set(sorted.flatMap((line) => domainOf(line) ?? []))];
  const perDomain = domains.map((domainId) =>
    onDomain(
      domainId,
      origin,
      sorted.filter((line) => domainOf(line) === domainId),
    ),
  );
  const waitingFor = perDomain.flatMap((each) => each.waitingFor);
  if (origin !== undefined && perDomain.length === 0) waitingFor.push(`${origin.node} to pass it on to a domain`);
  if (origin === undefined && perDomain.length === 0) waitingFor.push("its first step");
  return {
    transaction: first.transaction,
    elementId: first.element,
    operation: first.operation,
    mapping: first.mapping,
    traceIds: [...new Set(sorted.map((line) => line["trace-id"]).filter((id) => id !== ""))],
    steps: withDurations([...steps, ...perDomain.flatMap((each) => each.steps)]),
    waitingFor,
  };
}

/** A domain manager's own lines do not all name its domain: one that does tells for the others of that node. */
function domainsByNode(lines: readonly StepLine[]): (line: StepLine) => string | undefined {
  const managers = new Map(
    lines.flatMap(({ role, node, domainId }) =>
      role === "domain-manager" && domainId !== undefined ? [[node, domainId] as const] : [],
    ),
  );
  const onlyManager = new Set(lines.flatMap(({ role, node }) => (role === "domain-manager" ? [node] : []))).size === 1;
  const onlyDomain = [...new Set(lines.flatMap(({ domainId }) => domainId ?? []))];
  return ({ domainId, role, node }) => {
    if (domainId !== undefined || role !== "domain-manager") return domainId;
    // Before the domain manager has said anything of its domain, its node stands for it.
    return managers.get(node) ?? (onlyManager && onlyDomain.length === 1 ? onlyDomain[0] : `(domain of ${node})`);
  };
}

function onDomain(
  domainId: string,
  origin: StepLine | undefined,
  lines: readonly StepLine[],
): { steps: Step[]; waitingFor: string[] } {
  const steps: Step[] = [];
  const add = (number: string | undefined, step: string, { node }: StepLine, at: string, detail = "") =>
    steps.push({ number, step, node, domainId, at, detail });
  const all = (step: StepLine["step"]) => lines.filter((line) => line.step === step);

  const dispatched = all("dispatched");
  const [decided] = all("decided");
  const [answered] = all("answered");
  const [added] = all("stored").filter(({ role }) => role === "domain-manager");
  const [broadcast] = all("broadcast");
  const [sequenced] = all("sequenced");
  const ends = lines.filter(({ step }) => step === "effective" || step === "rejected");
  const sequencedAt = sequenced?.sequenced ?? ends[0]?.sequenced;
  const originIsDomain = origin?.role === "domain-manager";

  if (dispatched[0]) add("5", "dispatched", dispatched[0], dispatched[0]["@timestamp"], attempts(dispatched.length));
  if (decided) {
    if (decided.received !== undefined) add("6", "request sequenced", decided, decided.received);
    add("6", "decided", decided, decided.decided ?? decided["@timestamp"], told(decided));
  }
  if (added && !originIsDomain) add("7, 8", "added to the domain", added, added["@timestamp"]);
  if (broadcast) {
    const to = broadcast.recipients === undefined ? "" : `to ${broadcast.recipients.length} members`;
    add("9", "broadcast", broadcast, broadcast["@timestamp"], to);
  }
  if (sequencedAt !== undefined) {
    steps.push({ number: "10", step: "sequenced", node: "sequencer", domainId, at: sequencedAt, detail: "" });
  }
  for (const end of ends) {
    const caughtUp =
      end.sequenced !== undefined && end.sequenced !== sequencedAt ? `caught up: sequenced ${end.sequenced}` : "";
    add("11", end.step, end, end["@timestamp"], end.reason ?? caughtUp);
  }
  if (answered) add(undefined, "answer read", answered, answered["@timestamp"], told(answered));

  const refused = decided?.state !== undefined && decided.state !== "ACCEPTED";
  return { steps, waitingFor: refused ? [] : missing() };

  function missing(): string[] {
    if (ends.length === 0 && sequencedAt === undefined) {
      if (broadcast) return ["the sequencer"];
      if (added) return [`${added.node} to broadcast it`];
      if (dispatched[0]) return [`the manager of ${domainId} to decide`];
    }
    const done = new Set(ends.map(({ member }) => member));
    return (broadcast?.recipients ?? []).filter((member) => !done.has(member)).map((member) => `${member} to apply it`);
  }
}

function attempts(count: number): string {
  return count > 1 ? `${count} attempts` : "";
}

function told({ state = "", reason }: StepLine): string {
  return reason === undefined ? state : `${state}: ${reason}`;
}

/** The time since the step before; the members of one domain all count from the sequencing. */
function withDurations(steps: readonly Step[]): LifeStep[] {
  return steps.map((step, index) => {
    const before =
      step.number === "11"
        ? steps.find(({ number, domainId }) => number === "10" && domainId === step.domainId)
        : step.number === undefined
          ? undefined
          : steps[index - 1];
    const milliseconds = before === undefined ? undefined : Date.parse(step.at) - Date.parse(before.at);
    return { ...step, milliseconds };
  });
}
