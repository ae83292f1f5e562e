// What the server and the thread that checks say to each other.
import type { Issue } from "../../core/errors.ts";

export interface ThreadData {
	/** One 32-bit integer: how many checks the thread has finished since its start. Read from outside while it is busy. */
	readonly finished: SharedArrayBuffer;
}

export interface CheckRequest {
	readonly schemaId: number;
	/** Null: the schema itself is to be judged. */
	readonly dataJson: string | null;
}

export interface Batch {
	/** Schemas that the checks need and the thread does not have yet. */
	readonly schemas: readonly { readonly id: number; readonly schemaJson: string }[];
	/** Schemas that it need not keep. */
	readonly drop: readonly number[];
	readonly checks: readonly CheckRequest[];
}

/** What the thread says: once that it is ready, and then the results of each batch, in order. */
export type ThreadMessage = "ready" | readonly (readonly Issue[])[];
