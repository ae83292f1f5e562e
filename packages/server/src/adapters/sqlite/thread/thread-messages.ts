// The messages between the server's thread and the store's thread, and the form in which errors cross.
import { StoreError, type StoreErrorCode } from "../../../ports/store/errors.ts";
import type { Store } from "../../../ports/store/store.ts";
import type { PulledInNote } from "../deliveries/pulled-in.ts";
import { sqliteCode } from "../errors.ts";
import type { MoveProgress } from "../schema/move-rows.ts";
import {
	packBatch,
	packCommitResult,
	packClaim,
	unpackBatch,
	unpackCommitResult,
	unpackClaim,
	type Packed,
} from "./packing.ts";

/** A call of the store. */
export interface CallMessage {
	readonly name: string;
	readonly parameters: readonly unknown[];
	/** Of a reader: whether a page is to be made into the body of a response. */
	readonly isBody?: boolean;
}

/** What a thread tells without being asked. */
export type NoteMessage =
	/** Comes before the first reply, while rows of an earlier version are moved. */
	| { readonly note: "progress"; readonly progress: MoveProgress }
	/** Facts that readers can't see in the rows. The message comes before the reply to the call that it is part of. */
	| { readonly note: "pulledIn"; readonly pulledIn: PulledInNote };

/** What a reader's thread is started with. */
export interface ReaderData {
	/** The file of the database. */
	readonly path: string;
	/** Whether it leaves the cores to other threads. */
	readonly goesAfterOthers: boolean;
}

/** What a reader's thread replies to a read. */
export interface ReadReply {
	/** What the store's call returns, or a body as a `Uint8Array`. */
	readonly value: unknown;
	/** The size of the write-ahead log's file. */
	readonly walBytes: number;
}

/** Replies come in the order of the calls. The first reply belongs to the opening: that of the store's thread has the names of its calls. */
export type ReplyMessage = { readonly value: unknown } | { readonly error: PlainError };

/** An error in a form that can be cloned. */
export interface PlainError {
	/** The code of a `StoreError`; null for any other error, which is a bug. */
	readonly code: StoreErrorCode | null;
	readonly message: string;
	readonly stack: string | undefined;
	readonly cause: { readonly message: string; readonly errcode: number | null } | null;
}

/** The calls that are packed, because they are frequent or carry much data. */
export const PACKED_CALLS: Readonly<Record<string, PackedCall | undefined>> = {
	commit: {
		pack: ([batch]) => packBatch(batch as Parameters<Store["commit"]>[0]),
		unpack: (packed) => [unpackBatch(packed)],
		packResult: (result) => packCommitResult(result as Awaited<ReturnType<Store["commit"]>>),
		unpackResult: unpackCommitResult,
	},
	claimDue: {
		packResult: (claim) => packClaim(claim as Awaited<ReturnType<Store["claimDue"]>>),
		unpackResult: unpackClaim,
	},
};

interface PackedCall {
	readonly pack?: (parameters: readonly unknown[]) => Packed;
	readonly unpack?: (packed: Packed) => readonly unknown[];
	readonly packResult: (result: unknown) => Packed;
	readonly unpackResult: (packed: Packed) => unknown;
}

export function toPlainError(error: unknown): PlainError {
	if (!(error instanceof Error)) return { code: null, message: String(error), stack: undefined, cause: null };
	const { cause } = error;
	return {
		code: error instanceof StoreError ? error.code : null,
		message: error.message,
		stack: error.stack,
		cause: cause instanceof Error ? { message: cause.message, errcode: sqliteCode(cause) } : null,
	};
}

export function fromPlainError({ code, message, stack, cause }: PlainError): Error {
	const original = cause === null ? undefined : Object.assign(new Error(cause.message), { errcode: cause.errcode });
	const options = original === undefined ? undefined : { cause: original };
	const error = code === null ? new Error(message, options) : new StoreError(code, message, options);
	if (stack !== undefined) error.stack = stack;
	return error;
}
