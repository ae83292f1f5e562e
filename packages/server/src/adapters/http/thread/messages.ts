// The messages between the main thread and a thread that makes attempts. Each side reads them in the order in which they were sent.
import type { LookupAddress } from "node:dns";

import type { AttemptError } from "../../../ports/sender.ts";
import type { AddressGuardOptions } from "../address-guard.ts";
import type { NameOwner } from "../name-lookup.ts";
import { SendFailure } from "../send-failure.ts";

/** What a thread is started with. */
export interface ThreadData {
	/** The options of its sender. Limits are its part of those of the process, but for `maxSockets`, which counts the sockets of all threads. */
	readonly options: {
		readonly proxy?: string;
		readonly noProxy?: readonly string[];
		readonly connectTimeoutMs?: number;
		readonly poolIdleMs?: number;
		readonly ca?: string;
		readonly connectionsPerPool?: number;
		readonly maxSockets: number;
		readonly maxPools: number;
		readonly maxOpening: number;
	};
	readonly rules: AddressGuardOptions;
	/** Which of the threads it is, from 0. */
	readonly index: number;
	/** The usage of all threads: see `SharedUsage`. */
	readonly usage: SharedArrayBuffer;
}

export type ToSenderThread =
	| RequestBatch
	/** Ends one attempt. */
	| { readonly kind: "cancel"; readonly id: number }
	/** Ends all attempts under way. */
	| { readonly kind: "abort" }
	/** The guard has other rules. */
	| { readonly kind: "rules"; readonly rules: AddressGuardOptions }
	/** Closes idle connections. */
	| { readonly kind: "closeFree"; readonly count: number }
	/** The look-up that the thread has asked for runs, or is not needed. */
	| { readonly kind: "turn"; readonly id: number }
	| { readonly kind: "addresses"; readonly id: number; readonly addresses: readonly LookupAddress[] }
	| { readonly kind: "noAddresses"; readonly id: number; readonly failure: PlainFailure }
	| { readonly kind: "close" };

export type FromSenderThread =
	/** The thread takes requests. */
	| { readonly kind: "ready" }
	/** Packed by `packOutcomes`. */
	| { readonly kind: "outcomes"; readonly values: readonly unknown[] }
	/** A name is to be looked up. */
	| { readonly kind: "ask"; readonly id: number; readonly owner: NameOwner; readonly hostname: string }
	/** Nobody waits any more for the look-up. */
	| { readonly kind: "unask"; readonly id: number }
	/** There are so many sockets that other threads should close idle ones. */
	| { readonly kind: "crowded"; readonly count: number }
	/** The sender is closed, and all outcomes were sent. */
	| { readonly kind: "closed" };

/** Requests of one turn of the event loop, packed by `RequestPacker`. */
export interface RequestBatch {
	readonly kind: "requests";
	readonly values: readonly unknown[];
	/** The small bodies, one after another. */
	readonly bodies: ArrayBuffer;
	/** Large bodies that the thread does not have yet. */
	readonly kept: readonly KeptBody[];
	/** Large bodies that no attempt needs any more. */
	readonly dropped: readonly number[];
}

/** A large body. The thread keeps it, so that all attempts with it share it. */
export interface KeptBody {
	readonly id: number;
	readonly bytes: ArrayBuffer;
}

/** A failure in a form that can be cloned. */
export interface PlainFailure {
	readonly code: AttemptError;
	readonly reason: string;
	readonly detail: string | null;
	readonly what: SendFailure["what"];
}

export function toPlainFailure({ code, message: reason, detail, what }: SendFailure): PlainFailure {
	return { code, reason, detail, what };
}

export function fromPlainFailure({ code, reason, detail, what }: PlainFailure): SendFailure {
	return new SendFailure(code, reason, { detail, what });
}
