// The port for traces: a span for each send and for each attempt. A server that is not asked for traces has no such part.
import type { LeasedDelivery } from "./store/queue.ts";

/** What a span says: ids, counts and codes, never a payload, a header or a secret. Undefined values are left out. */
export type SpanFacts = Readonly<Record<string, string | number | boolean | undefined>>;

/** Something that takes time, as one line of a trace. */
export interface Span {
	/** Its own context, as W3C Trace Context writes it: what it causes names it as its parent. */
	readonly traceparent: string;
	/** Ends it. It has failed if there is an `error`: a short name for what went wrong, of few different ones. Called once. */
	end(facts: SpanFacts, error: string | null): void;
}

/** Makes spans. Implementations never throw and never block. */
export interface Tracing {
	/** Begins the span of a send or a batch. `parent` is the `traceparent` of its caller. */
	accepting(projectId: string, parent: string | null): Span;
	/** Begins the span of an attempt, whose parent is the one of the event's acceptance. */
	attempting(delivery: LeasedDelivery, endpoint: string): Span;
}
