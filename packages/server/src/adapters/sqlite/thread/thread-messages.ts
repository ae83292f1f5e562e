// What the threads of the store say to each other, and how errors get from one to the other.
import { StoreError, type StoreErrorCode } from "../../../ports/store/errors.ts";
import type { Store } from "../../../ports/store/store.ts";
import { sqliteCode } from "../errors.ts";
import { packBatch, packLeased, packResult, unpackBatch, unpackLeased, unpackResult, type Packed } from "./packing.ts";

/** A call of the store, by name. */
export interface CallMessage {
	readonly name: string;
	readonly parameters: readonly unknown[];
}

/** The answers come in the order of the calls. The first one is to the opening, and gives the names of the calls. */
export type AnswerMessage = { readonly value: unknown } | { readonly error: PlainError };

/** An error as it can be cloned. */
export interface PlainError {
	/** Null: no failure of the store, but a defect. */
	readonly code: StoreErrorCode | null;
	readonly message: string;
	readonly stack: string | undefined;
	readonly cause: { readonly message: string; readonly errcode: number | null } | null;
}

/** Calls that come so often, or with so much, that what they carry is packed. */
export const PACKED_CALLS: Readonly<Record<string, PackedCall | undefined>> = {
	commit: {
		pack: ([batch]) => packBatch(batch as Parameters<Store["commit"]>[0]),
		unpack: (packed) => [unpackBatch(packed)],
		packAnswer: (result) => packResult(result as Awaited<ReturnType<Store["commit"]>>),
		unpackAnswer: unpackResult,
	},
	claimDue: {
		packAnswer: (deliveries) => packLeased(deliveries as Awaited<ReturnType<Store["claimDue"]>>),
		unpackAnswer: unpackLeased,
	},
};

interface PackedCall {
	readonly pack?: (parameters: readonly unknown[]) => Packed;
	readonly unpack?: (packed: Packed) => readonly unknown[];
	readonly packAnswer: (answer: unknown) => Packed;
	readonly unpackAnswer: (packed: Packed) => unknown;
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
