// The parts of a round that the processes of a cluster need.
import type { Breach, RunEnd, WebhookRecord } from "@fanfare/testkit/checks/record";
import type { Receiver } from "@fanfare/testkit/receiver";

import type { Book } from "../book.ts";
import type { PostgresData } from "../stores/postgres-data.ts";

export interface Surroundings {
	readonly database: PostgresData;
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
	breach(promise: Breach["promise"], text: string): void;
	expect(isSo: boolean, text: string): void;
}
