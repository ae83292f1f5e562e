// The thread that owns the database: opens it, and then makes one call after the other.
import { parentPort, workerData } from "node:worker_threads";

import { openSqliteCalls, type SqliteStoreOptions } from "../sqlite-store.ts";
import type { Packed } from "./packing.ts";
import { reply } from "./reply.ts";
import { PACKED_CALLS, type CallMessage, type NoteMessage } from "./thread-messages.ts";

function tell(note: NoteMessage): void {
	parentPort?.postMessage(note, []);
}

let calls: Readonly<Record<string, (...parameters: never[]) => unknown>> = {};
reply(() => {
	calls = openSqliteCalls(workerData as SqliteStoreOptions, {
		onProgress: (progress) => tell({ note: "progress", progress }),
		onPulledIn: (pulledIn) => tell({ note: "pulledIn", pulledIn }),
	});
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
