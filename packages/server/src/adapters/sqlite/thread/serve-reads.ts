// What a thread does that reads the database beside the store's thread: opens a connection of its own, and then makes one read after the other.
import { statSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";

import type { ListBodies, ListName } from "../../../ports/store/reads/list-reads.ts";
import type { ReadName } from "../../../ports/store/reads/read-owners.ts";
import type { PulledInNote } from "../deliveries/pulled-in.ts";
import { openSqliteReader, type SqliteReader } from "../sqlite-reader.ts";
import { reply, type Done } from "./reply.ts";
import type { CallMessage, ReaderData, ReadReply } from "./thread-messages.ts";
import { goAfterOthers } from "./thread-priority.ts";

/** For lists: a third of the share that the threads of sends and commits have, where there are fewer cores than threads that work. */
const NICE = 5;

/**
 * Makes the reads that the server's thread asks for, until it ends this thread. `bodies` make pages into the bodies of responses.
 *
 * @example
 * serveReads(LIST_BODIES);
 */
export function serveReads(bodies: ListBodies): void {
	const { path, goesAfterOthers } = workerData as ReaderData;
	if (goesAfterOthers) goAfterOthers(NICE);

	const walBytes = () => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;

	function callOf(reader: SqliteReader, { name, parameters, isBody }: CallMessage): Done {
		switch (name) {
			case "forget":
				return { value: reader.forget() };
			case "pulledIn":
				return { value: reader.pulledIn(parameters[0] as PulledInNote) };
			case "close":
				return { value: reader.close() };
			default: {
				const value = reader.read(name as ReadName, parameters);
				if (isBody !== true) return { value: { value, walBytes: walBytes() } satisfies ReadReply };
				const bodyOf = bodies[name as ListName] as (page: unknown, ...values: readonly unknown[]) => string;
				const body = new TextEncoder().encode(bodyOf(value, ...parameters));
				return { value: { value: body, walBytes: walBytes() } satisfies ReadReply, transferred: body.buffer };
			}
		}
	}

	reply(() => {
		const reader = openSqliteReader(path);
		parentPort?.on("message", (message: CallMessage) => reply(() => callOf(reader, message)));
		return { value: null };
	});
}
