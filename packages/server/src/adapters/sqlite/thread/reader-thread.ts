// A thread that reads the database beside the store's thread: opens a connection of its own, and then makes one read after the other.
import { statSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";

import type { ReadName } from "../../../ports/store/reads/read-owners.ts";
import type { PulledInNote } from "../deliveries/pulled-in.ts";
import { openSqliteReader, type SqliteReader } from "../sqlite-reader.ts";
import { reply } from "./reply.ts";
import type { CallMessage, ReaderData, ReadReply } from "./thread-messages.ts";
import { goAfterOthers } from "./thread-priority.ts";

const { path, goesAfterOthers } = workerData as ReaderData;
/** For lists: a third of the share that the threads of sends and commits have, where there are fewer cores than threads that work. */
const NICE = 5;

if (goesAfterOthers) goAfterOthers(NICE);

function walBytes(): number {
	return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

function callOf(reader: SqliteReader, { name, parameters }: CallMessage): unknown {
	switch (name) {
		case "forget":
			return reader.forget();
		case "pulledIn":
			return reader.pulledIn(parameters[0] as PulledInNote);
		case "close":
			return reader.close();
		default: {
			const value = reader.read(name as ReadName, parameters);
			return { value, walBytes: walBytes() } satisfies ReadReply;
		}
	}
}

reply(() => {
	const reader = openSqliteReader(path);
	parentPort?.on("message", (message: CallMessage) => reply(() => ({ value: callOf(reader, message) })));
	return { value: null };
});
