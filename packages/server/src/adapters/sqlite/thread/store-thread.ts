// The thread that owns the database: opens it, and then makes one call after the other.
import { parentPort, workerData } from "node:worker_threads";

import { toStoreError } from "../errors.ts";
import { openSqliteCalls, type SqliteStoreOptions } from "../sqlite-store.ts";
import type { Packed } from "./packing.ts";
import { PACKED_CALLS, toPlainError, type ReplyMessage, type CallMessage } from "./thread-messages.ts";

function reply(work: () => { readonly value: unknown; readonly transferred?: ArrayBuffer }): void {
	let message: ReplyMessage;
	let transferred: ArrayBuffer | undefined;
	try {
		const done = work();
		message = { value: done.value };
		transferred = done.transferred;
	} catch (error) {
		message = { error: toPlainError(toStoreError(error)) };
	}
	parentPort?.postMessage(message, transferred === undefined || transferred.byteLength === 0 ? [] : [transferred]);
}

let calls: Readonly<Record<string, (...parameters: never[]) => unknown>> = {};
reply(() => {
	calls = openSqliteCalls(workerData as SqliteStoreOptions);
	return { value: Object.keys(calls) };
});

parentPort?.on("message", ({ name, parameters }: CallMessage) => {
	reply(() => {
		const call = calls[name];
		if (call === undefined) throw new TypeError(`the store has no call ${name}`);
		const packed = PACKED_CALLS[name];
		const given = packed?.unpack === undefined ? parameters : packed.unpack(parameters[0] as Packed);
		const value = call(...(given as never[]));
		if (packed === undefined) return { value };
		const result = packed.packResult(value);
		return { value: result, transferred: result.bodies };
	});
});
