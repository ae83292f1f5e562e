// Where the server of a round keeps its data: a directory, or a database of the round's own.
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { EMPTY_LOG, type StoredLog } from "@fanfare/testkit/checks/stored-log";

import { readStoredLog } from "./stored-log.ts";

export const PROFILES = ["embedded", "postgres", "cluster", "nats"] as const;
/** On what the server runs: a directory, a database, several processes on one database, or these with NATS. */
export type ProfileName = (typeof PROFILES)[number];
/** The profiles with several processes. */
export const CLUSTERS: readonly ProfileName[] = ["cluster", "nats"];
/** The profiles with one process. */
export const SINGLE: readonly ProfileName[] = ["embedded", "postgres"];

export interface RoundData extends AsyncDisposable {
	/** The settings that lead the server to the data. */
	readonly env: Readonly<Record<string, string>>;
	/** The log, without that of the projects in `without`. No server may be running. */
	readLog(without: readonly string[]): Promise<StoredLog>;
	/** Everything that is stored, for the search for secrets. */
	bytes(): Promise<ReadonlyMap<string, Buffer>>;
	/** Copies the data into a directory. */
	keep(directory: string): Promise<void>;
}

/** `dataDir` is asked each time: a fault may move the data to another disk before the first start. */
export function embeddedData(dataDir: () => string): RoundData {
	return {
		env: {},
		async readLog(without) {
			try {
				return readStoredLog(dataDir(), without);
			} catch (error) {
				// The server was killed before it had created the tables.
				if (error instanceof Error && error.message.startsWith("no such table")) return EMPTY_LOG;
				throw error;
			}
		},
		async bytes() {
			const names = readdirSync(dataDir()).filter((name) => name !== "master.key");
			return new Map(names.map((name) => [name, readFileSync(join(dataDir(), name))]));
		},
		async keep(directory) {
			if (existsSync(dataDir())) cpSync(dataDir(), join(directory, "data"), { recursive: true });
		},
		async [Symbol.asyncDispose]() {},
	};
}
