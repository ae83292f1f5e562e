// Data directories as released servers have left them, unpacked for a test that opens them with the present server.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

import { TemporaryDir } from "./temporary-dir.ts";

/** The versions that have left a fixture: each has a folder `fixtures/data-…`. */
export type FixtureVersion = "0.1";

/** What the server of that version answered about its data, recorded just before it was killed. */
export interface FixtureExpectations {
	readonly version: FixtureVersion;
	/** The commit of the server that wrote the data. */
	readonly commit: string;
	readonly adminKey: string;
	readonly masterKey: string;
	/**
	 * The time at which a server should be started on the data, in milliseconds since the epoch: the midnight (UTC) after the recording.
	 * Attempts that it makes count in no bucket of the recorded statistics, and neither retention nor any expiry has come due.
	 */
	readonly startAt: number;
	/** Answers to GET by path, with an admin key. Statistics hold only the buckets in which something happened. */
	readonly answers: Readonly<Record<string, unknown>>;
	/** Keys by name, with the key itself; also one that was deleted. */
	readonly keys: Readonly<Record<string, FixtureKey>>;
	/** The secrets that sign for a webhook, newest first, by the webhook's id. */
	readonly secrets: Readonly<Record<string, readonly string[]>>;
	/** Webhooks by a name that says what each is for. */
	readonly webhooks: Readonly<Record<string, FixtureWebhook>>;
	/** Sends under an idempotency key: the body as it was sent, and the event that it made. */
	readonly idempotentSends: readonly FixtureSend[];
	/** Deliveries whose attempt was in flight when the server was killed: the next start makes that attempt again. */
	readonly inFlight: readonly { readonly projectId: string; readonly deliveryId: string }[];
}

export interface FixtureKey {
	readonly id: string;
	readonly secretKey: string;
	readonly scope: "admin" | "write" | "read";
	/** Null: the whole workspace. */
	readonly projectId: string | null;
}

export interface FixtureWebhook {
	readonly id: string;
	readonly projectId: string;
	/** The headers that go with each attempt, with their values. */
	readonly headers: Readonly<Record<string, string>>;
}

export interface FixtureSend {
	readonly projectId: string;
	readonly eventId: string;
	readonly acceptedAt: number;
	readonly body: Readonly<Record<string, unknown>>;
}

export interface DataFixture extends Disposable {
	/** A copy of one's own, removed when the fixture is disposed of. */
	readonly dataDir: string;
	readonly adminKey: string;
	/** As FANFARE_MASTER_KEY takes it. */
	readonly masterKey: string;
	readonly expected: FixtureExpectations;
}

const FIXTURES = new URL("../fixtures/", import.meta.url);
const PACKED = ".gz";
const DATABASE_FILES = ["fanfare.db", "fanfare.db-wal"] as const;

/** Moves a server's clock by TESTKIT_CLOCK_OFFSET_MS, if it is preloaded. */
const CLOCK_OFFSET = new URL("./clock-offset.ts", import.meta.url).href;

/**
 * Unpacks a fixture into a temporary directory.
 *
 * @example
 * using fixture = openDataFixture("0.1");
 * await using server = await startServerProcess(fixtureServerOptions(fixture));
 */
export function openDataFixture(version: FixtureVersion): DataFixture {
	const folder = new URL(`data-${version}/`, FIXTURES);
	const expected = JSON.parse(readFileSync(new URL("expected.json", folder), "utf8")) as FixtureExpectations;
	const temporary = new TemporaryDir();
	const dataDir = temporary.join("data");
	mkdirSync(dataDir);
	for (const name of DATABASE_FILES) {
		writeFileSync(temporary.join("data", name), gunzipSync(readFileSync(new URL(name + PACKED, folder))));
	}
	const { adminKey, masterKey } = expected;
	return { dataDir, adminKey, masterKey, expected, [Symbol.dispose]: () => temporary[Symbol.dispose]() };
}

/**
 * How to start a server process on the fixture so that a test gives the same in any year: at the fixture's own time, and without a way
 * to the endpoints of its webhooks, which are on 127.0.0.2. Receivers on 127.0.0.1 can be called.
 */
export function fixtureServerOptions({ dataDir, adminKey, masterKey, expected }: DataFixture) {
	return {
		dataDir,
		env: {
			FANFARE_ADMIN_KEY: adminKey,
			FANFARE_MASTER_KEY: masterKey,
			FANFARE_ALLOW_NETWORKS: "127.0.0.1/32",
			TESTKIT_CLOCK_OFFSET_MS: String(expected.startAt - Date.now()),
		},
		preload: [CLOCK_OFFSET],
	};
}
