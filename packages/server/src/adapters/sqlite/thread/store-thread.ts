// The thread that has the database: opens it, and then does one call after the other.
import { parentPort, workerData } from "node:worker_threads";

import { toStoreError } from "../errors.ts";
import { openSqliteCalls, type SqliteStoreOptions } from "../sqlite-store.ts";
import type { Packed } from "./packing.ts";
import { PACKED_CALLS, toPlainError, type AnswerMessage, type CallMessage } from "./thread-messages.ts";

function answer(work: () => { readonly value: unknown; readonly moved?: ArrayBuffer }): void {
	let message: AnswerMessage;
	let moved: ArrayBuffer | undefined;
	try {
		const done = work();
		message = { value: done.value };
		moved = done.moved;
	} catch (error) {
		message = { error: toPlainError(toStoreError(error)) };
	}
	parentPort?.postMessage(message, moved === undefined || moved.byteLength === 0 ? [] : [moved]);
}

let calls: Readonly<Record<string, (...parameters: never[]) => unknown>> = {};
answer(() => {
	calls = openSqliteCalls(workerData as SqliteStoreOptions);
	return { value: Object.keys(calls) };
});

parentPort?.on("message", ({ name, parameters }: CallMessage) => {
	answer(() => {
		const call = calls[name];
		if (call === undefined) throw new TypeError(`the store has no call ${name}`);
		const packed = PACKED_CALLS[name];
		const given = packed?.unpack === undefined ? parameters : packed.unpack(parameters[0] as Packed);
		const value = call(...(given as never[]));
		if (packed === undefined) return { value };
		const answered = packed.packAnswer(value);
		return { value: answered, moved: answered.bodies };
	});
});
