// The messages between the validator and its thread.
import type { Issue } from "../../core/errors.ts";

/** Given to the thread at its start. */
export interface ThreadData {
	/**
	 * One 32-bit integer: the number of checks finished since the start. The validator reads it while the thread is busy.
	 */
	readonly finished: SharedArrayBuffer;
}

export interface CheckRequest {
	readonly schemaId: number;
	/** Null if the schema itself is to be checked. */
	readonly dataJson: string | null;
}

/** Sent to the thread: schemas to add and to drop, then the checks to run. */
export interface Batch {
	/** Schemas that these checks need and the thread does not have yet. */
	readonly schemas: readonly { readonly id: number; readonly schemaJson: string }[];
	/** Ids of schemas that the thread must forget. */
	readonly drop: readonly number[];
	readonly checks: readonly CheckRequest[];
}

export interface CheckResult {
	readonly issues: readonly Issue[];
	/** The CPU time of the check, with compiling its schema. */
	readonly cpuMs: number;
}

/**
 * Sent by the thread: first "ready", then the results of each batch, in the order of its checks. A batch that takes long is
 * answered early, with the results so far: at least one.
 */
export type ThreadMessage = "ready" | readonly CheckResult[];
