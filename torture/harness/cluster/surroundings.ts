// The parts of a round that the processes of a cluster need.
import type { Breach, RunEnd, WebhookRecord } from "@fanfare/testkit/checks/record";
import type { Receiver } from "@fanfare/testkit/receiver";
import type { Random } from "@fanfare/testkit/seeded-random";

import type { Book } from "../book.ts";
import type { PostgresData } from "../stores/postgres-data.ts";
import type { Role } from "./roles.ts";

export interface Surroundings {
	readonly database: PostgresData;
	/** The sources of processes that start. */
	readonly codeDir: string;
	/** What each process does, in the order of their starts; null if the seed decides. */
	readonly roles: readonly Role[] | null;
	/** The settings of each process. */
	readonly env: Readonly<Record<string, string>>;
	readonly receiver: Receiver;
	readonly book: Book;
	readonly webhooks: readonly WebhookRecord[];
	readonly ends: RunEnd[];
	/** The ids of projects that are no part of the log. */
	readonly neighbours: readonly string[];
	readonly maxInFlight: number;
	readonly maxInFlightPerWebhook: number;
	/** Everything that ended processes have printed. */
	output: string;
	random(name: string): Random;
	breach(promise: Breach["promise"], text: string): void;
	expect(isSo: boolean, text: string): void;
}
