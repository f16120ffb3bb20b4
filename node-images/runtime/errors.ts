/**
 * Refusals and failures as Canton puts them on the wire.
 *
 * A handler throws a {@link CantonError}; the server turns it into a gRPC status whose message is
 * `REASON(category,trace id): text` and whose `grpc-status-details-bin` trailer is a google.rpc.Status with an ErrorInfo;
 * the client turns that back into a CantonError. Anything else that a handler throws is a fault of ours: the caller gets
 * INTERNAL and a trace id, and the log gets the rest.
 */
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { Status } from "@pulumi-canton/protocol/gen/google/rpc/status.ts";
import { decodeDetails, type ErrorDetails, encodeDetails } from "./error-details.ts";

/**
 * Canton's error categories, by what a caller can do about the error. The numbers are on the wire.
 * Source: the published list of Daml error categories.
 */
export const ErrorCategory = {
  /** Not our fault nor the caller's, goes away: retry. */
  TransientServerFailure: 1,
  /** Two requests got in each other's way: retry. */
  ContentionOnSharedResources: 2,
  /** The outcome is not known: look, then retry. */
  DeadlineExceededRequestStateUnknown: 3,
  /** A fault of this program. */
  SystemInternalAssumptionViolated: 4,
  /** Somebody misbehaves; details go to the log only. */
  SecurityAlert: 5,
  AuthInterceptorInvalidAuthenticationCredentials: 6,
  InsufficientPermission: 7,
  /** Wrong whatever the state of the system: correct the request. */
  InvalidIndependentOfSystemState: 8,
  /** Wrong in the present state: change the state, then retry. */
  InvalidGivenCurrentSystemStateOther: 9,
  InvalidGivenCurrentSystemStateResourceExists: 10,
  InvalidGivenCurrentSystemStateResourceMissing: 11,
  InvalidGivenCurrentSystemStateSeekAfterEnd: 12,
  BackgroundProcessDegradationWarning: 13,
  InternalUnsupportedOperation: 14,
} as const;

/** What makes a {@link CantonError}. */
export interface CantonErrorInit {
  /** gRPC status code, of `status` in `@grpc/grpc-js`. */
  code: status;
  /** The error code, upper case, for example `PARTY_NOT_FOUND`. Empty: a plain status without details, as some of Canton's services answer. */
  reason: string;
  /** One of {@link ErrorCategory}. */
  category: number;
  /** For people: what is wrong, with what, and what to do. */
  message: string;
  /** Facts about the error, sent in ErrorInfo. */
  metadata?: Record<string, string>;
  /** True: the caller learns only the code and the trace id; the log has all. For what helps an attacker. */
  redacted?: boolean;
  /** When a retry may help, in milliseconds. */
  retryDelayMs?: number;
  /** What the error is about, for example `{ type: "PARTY", name: "alice::1220…" }`. */
  resources?: { type: string; name: string }[];
  /** Trace id of the request that failed, as the server told it. */
  traceId?: string;
  /** The error underneath; only ever logged. */
  cause?: unknown;
}

/** A refusal or failure that its receiver may see. */
export class CantonError extends Error {
  override readonly name = "CantonError";
  readonly code: status;
  readonly reason: string;
  readonly category: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly redacted: boolean;
  readonly retryDelayMs: number | undefined;
  readonly resources: readonly { type: string; name: string }[];
  readonly traceId: string | undefined;

  constructor(init: CantonErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.reason = init.reason;
    this.category = init.category;
    this.metadata = init.metadata ?? {};
    this.redacted = init.redacted ?? init.category === ErrorCategory.SecurityAlert;
    this.retryDelayMs = init.retryDelayMs;
    this.resources = init.resources ?? [];
    this.traceId = init.traceId;
  }

  /** True when the same request may succeed later without anybody changing anything. */
  get retryable(): boolean {
    return (
      this.category === ErrorCategory.TransientServerFailure ||
      this.category === ErrorCategory.ContentionOnSharedResources ||
      (this.category === 0 && (this.code === status.UNAVAILABLE || this.code === status.ABORTED))
    );
  }
}

/** True for a {@link CantonError}. */
export function isCantonError(error: unknown): error is CantonError {
  return error instanceof CantonError;
}

/** Optional parts that the constructors below take. */
export type ErrorExtras = Omit<CantonErrorInit, "code" | "reason" | "category" | "message">;

type ErrorConstructor = (reason: string, message: string, extras?: ErrorExtras) => CantonError;

const constructorFor =
  (code: status, category: number): ErrorConstructor =>
  (reason, message, extras = {}) =>
    new CantonError({ ...extras, code, reason, category, message });

/** INVALID_ARGUMENT: the request is wrong whatever the state. */
export const invalidArgument = constructorFor(status.INVALID_ARGUMENT, ErrorCategory.InvalidIndependentOfSystemState);
/** FAILED_PRECONDITION: the request is wrong in the present state. */
export const failedPrecondition = constructorFor(
  status.FAILED_PRECONDITION,
  ErrorCategory.InvalidGivenCurrentSystemStateOther,
);
/** ALREADY_EXISTS. */
export const alreadyExists = constructorFor(
  status.ALREADY_EXISTS,
  ErrorCategory.InvalidGivenCurrentSystemStateResourceExists,
);
/** NOT_FOUND. */
export const notFound = constructorFor(status.NOT_FOUND, ErrorCategory.InvalidGivenCurrentSystemStateResourceMissing);
/** OUT_OF_RANGE: past the end of what there is. */
export const outOfRange = constructorFor(status.OUT_OF_RANGE, ErrorCategory.InvalidGivenCurrentSystemStateSeekAfterEnd);
/** PERMISSION_DENIED: known caller, not allowed. */
export const permissionDenied = constructorFor(status.PERMISSION_DENIED, ErrorCategory.InsufficientPermission);
/** UNAUTHENTICATED: who calls is not established. */
export const unauthenticated = constructorFor(
  status.UNAUTHENTICATED,
  ErrorCategory.AuthInterceptorInvalidAuthenticationCredentials,
);
/** ABORTED: got in the way of another request; retrying helps. */
export const aborted = constructorFor(status.ABORTED, ErrorCategory.ContentionOnSharedResources);
/** UNAVAILABLE: goes away by itself; retrying helps. */
export const unavailable = constructorFor(status.UNAVAILABLE, ErrorCategory.TransientServerFailure);
/** DEADLINE_EXCEEDED: the outcome is not known. */
export const deadlineExceeded = constructorFor(
  status.DEADLINE_EXCEEDED,
  ErrorCategory.DeadlineExceededRequestStateUnknown,
);
/** UNIMPLEMENTED: this build cannot do it. */
export const unimplemented = constructorFor(status.UNIMPLEMENTED, ErrorCategory.InternalUnsupportedOperation);
/** INTERNAL: a fault of ours; redacted to the caller, logged in full. */
export const internal: ErrorConstructor = (reason, message, extras = {}) =>
  new CantonError({
    redacted: true,
    ...extras,
    code: status.INTERNAL,
    reason,
    category: ErrorCategory.SystemInternalAssumptionViolated,
    message,
  });
/** A caller misbehaves in a way that only an attacker or a broken program does: redacted to the caller, logged in full. */
export const securityAlert = constructorFor(status.INVALID_ARGUMENT, ErrorCategory.SecurityAlert);

/** A plain gRPC status without reason or details, as a good part of Canton's older admin services answer. */
export function plainError(code: status, message: string, cause?: unknown): CantonError {
  return new CantonError({ code, reason: "", category: 0, message, cause });
}

/** Trailer that carries the google.rpc.Status. */
const detailsTrailer = "grpc-status-details-bin";

/**
 * HTTP/2 peers limit a block of headers to about 8 KiB, beyond which the caller sees a broken stream instead of the error:
 * long texts are cut to these sizes, in bytes as percent-encoded on the wire.
 */
const maxMessageBytes = 1_536;
const maxValueBytes = 512;
const maxMetadataBytes = 1_536;

/** Cuts a text to a percent-encoded size. Lone surrogates, which cannot be encoded, become U+FFFD. */
function cut(text: string, maxBytes: number): string {
  const wellFormed = text.toWellFormed();
  if (encodeURI(wellFormed).length <= maxBytes) return wellFormed;
  let size = 0;
  let kept = "";
  for (const character of wellFormed) {
    size += encodeURI(character).length;
    if (size > maxBytes - 9) break;
    kept += character;
  }
  return `${kept}…`;
}

function cutMetadata(metadata: Readonly<Record<string, string>>): Record<string, string> {
  // A map without a prototype: a key may be called as a property of prototypes is.
  const kept: Record<string, string> = Object.create(null);
  let size = 0;
  for (const [key, value] of Object.entries(metadata)) {
    const entry = [cut(key, maxValueBytes), cut(value, maxValueBytes)] as const;
    size += encodeURI(entry[0]).length + encodeURI(entry[1]).length;
    if (size > maxMetadataBytes) break;
    kept[entry[0]] = entry[1];
  }
  return kept;
}

/** What goes on the wire for an error. */
export interface WireError {
  code: status;
  details: string;
  metadata: Metadata;
}

/**
 * The gRPC status for anything that a handler threw.
 *
 * @param error a CantonError is told to the caller unless it is redacted; anything else becomes INTERNAL
 * @param traceId names the request in what the caller gets, so that the operator finds the log lines
 */
export function toWireError(error: unknown, traceId: string): WireError {
  const told = isCantonError(error) && !error.redacted ? error : undefined;
  const code = isCantonError(error) ? error.code : status.INTERNAL;
  const metadata = new Metadata();
  if (told !== undefined && told.reason === "") return { code, details: cut(told.message, maxMessageBytes), metadata };

  let details: string;
  let parts: ErrorDetails;
  if (told === undefined) {
    details = `An error occurred. Please contact the operator and inquire about the request ${traceId} with tid ${traceId}`;
    parts = { requestId: traceId };
  } else {
    details = cut(`${told.reason}(${told.category},${traceId.slice(0, 8)}): ${told.message}`, maxMessageBytes);
    parts = {
      reason: cut(told.reason, maxValueBytes),
      metadata: { category: String(told.category), tid: traceId, ...cutMetadata(told.metadata) },
      requestId: traceId,
      resources: told.resources.slice(0, 1).map(({ type, name }) => ({
        type: cut(type, maxValueBytes),
        name: cut(name, maxValueBytes),
      })),
      ...(told.retryDelayMs === undefined ? {} : { retryDelayMs: told.retryDelayMs }),
    };
  }
  const proto = Status.encode({ code, message: details, details: encodeDetails(parts) }).finish();
  metadata.set(detailsTrailer, Buffer.from(proto));
  return { code, details, metadata };
}

function detailsOf(error: ServiceError): ErrorDetails {
  const trailer = error.metadata?.get(detailsTrailer)[0];
  if (!Buffer.isBuffer(trailer)) return {};
  try {
    return decodeDetails(Status.decode(trailer).details);
  } catch {
    // A peer that sends broken details still told the status and the message.
    return {};
  }
}

/**
 * The CantonError for what a gRPC client failed with.
 *
 * The message is the text without the `REASON(category,tid): ` in front of it. A status without details has an empty
 * reason and category 0.
 */
export function fromServiceError(error: ServiceError): CantonError {
  const details = detailsOf(error);
  const reason = details.reason ?? "";
  const { category, tid, ...metadata } = details.metadata ?? {};
  const text = error.details === undefined || error.details === "" ? error.message : error.details;
  const prefixLength = text.startsWith(`${reason}(`)
    ? (/^\(\d+,[^)]*\): /.exec(text.slice(reason.length))?.[0].length ?? 0)
    : 0;
  const traceId = tid ?? details.requestId;
  return new CantonError({
    code: error.code,
    reason,
    category: Number(category) || 0,
    message: reason === "" || prefixLength === 0 ? text : text.slice(reason.length + prefixLength),
    metadata,
    redacted: false,
    resources: details.resources ?? [],
    cause: error,
    ...(details.retryDelayMs === undefined ? {} : { retryDelayMs: details.retryDelayMs }),
    ...(traceId === undefined ? {} : { traceId }),
  });
}

/** One line for a log or a terminal: the reason, when there is one, and the text. */
export function describeError(error: unknown): string {
  if (isCantonError(error)) {
    return `${error.reason === "" ? (status[error.code] ?? error.code) : error.reason}: ${error.message}`;
  }
  if (error instanceof AggregateError && error.message === "") return error.errors.map(describeError).join("; ");
  return error instanceof Error ? error.message : String(error);
}
