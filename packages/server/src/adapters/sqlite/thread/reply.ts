// How a thread with a database replies to a call.
import { parentPort } from "node:worker_threads";

import { toStoreError } from "../errors.ts";
import { toPlainError, type ReplyMessage } from "./thread-messages.ts";

/** The value of a call. */
export interface Done {
	readonly value: unknown;
	/** Memory that goes to the server's thread. */
	readonly transferred?: ArrayBuffer;
}

/** Does the work of a call, and sends its value or its error. */
export function reply(work: () => Done): void {
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
