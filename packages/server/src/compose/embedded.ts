// The only file that knows the adapters: from settings to a running server.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { openAjvValidator } from "../adapters/ajv/ajv-validator.ts";
import { finishChange, loadMasterKey, stageMasterKey } from "../adapters/files/master-key.ts";
import { createAddressGuard } from "../adapters/http/address-guard.ts";
import { openUndiciSender } from "../adapters/http/undici-sender.ts";
import { lockDataDir } from "../adapters/sqlite/data-dir-lock.ts";
import { openThreadedSqliteStore } from "../adapters/sqlite/thread/threaded-store.ts";
import { LogOutput } from "../adapters/telemetry/log-output.ts";
import { createLogger } from "../adapters/telemetry/logger.ts";
import { Metrics } from "../adapters/telemetry/metrics.ts";
import { createObserver } from "../adapters/telemetry/observer.ts";
import { logRequest } from "../adapters/telemetry/request-log.ts";
import { createApp } from "../api/app.ts";
import type { RequestLine } from "../api/deps.ts";
import { UnreadableRequests } from "../api/request/unreadable.ts";
import type { Config } from "../config.ts";
import { systemClock, type Clock } from "../core/clock.ts";
import { createSealer } from "../core/crypto/sealing.ts";
import { createIdMaker } from "../core/ids.ts";
import type { Engine } from "../engine/calls.ts";
import { openEngine } from "../engine/engine.ts";
import { checkMasterKey, type FirstStart } from "../engine/managing/bootstrap.ts";
import { resealStore } from "../engine/managing/reseal.ts";
import { HttpServer } from "../http-server.ts";
import type { Store } from "../ports/store/store.ts";

export const VERSION = readVersion();
const USER_AGENT = `Fanfare/${VERSION} (+https://github.com/fanfare-webhooks/fanfare)`;
const STORE_FILE = "fanfare.db";
/** For the last lines of the log to be written, if they can. */
const LOG_GRACE_MS = 500;

/** A server that listens and delivers. */
export interface RunningServer {
	/** Such as `http://127.0.0.1:8787`. */
	readonly url: string;
	readonly dataDir: string;
	readonly engine: Engine;
	/** What a first start has made; null if the data was there. */
	readonly firstStart: FirstStart | null;
	/** Refuses new sends, lets attempts finish, writes their outcomes, then closes. May be called twice. */
	stop(): Promise<void>;
}

export interface StartOptions {
	/** Takes the place of the computer's clock for all that is planned: retries, leases, retention. For tests and stories. */
	readonly clock?: Clock;
	/**
	 * Lets the HTTP server put light stand-ins in the place of the global `Request` and `Response`, about a tenth less CPU a
	 * request. For a process that runs nothing but the server.
	 */
	readonly overrideGlobals?: boolean;
}

/**
 * Starts a server in this process. Rejects, with everything released again, if the data directory is in use, was written by
 * a newer Fanfare or under another master key, or if the port is taken.
 *
 * @example
 * const server = await startServer(readConfig({ FANFARE_PORT: "0" }));
 * console.log(server.url);
 * await server.stop();
 */
export async function startServer(config: Config, options: StartOptions = {}): Promise<RunningServer> {
	const cleanUp: (() => unknown)[] = [];
	try {
		return await start(config, options, cleanUp);
	} catch (error) {
		await runAll(cleanUp);
		throw error;
	}
}

async function start(config: Config, options: StartOptions, cleanUp: (() => unknown)[]): Promise<RunningServer> {
	const log = new LogOutput();
	cleanUp.push(() => log.close(LOG_GRACE_MS));
	const guard = createAddressGuard({ allowNetworks: [...config.allowNetworks], allowHttp: config.allowHttp });
	const dataDir = openDataDir(config, cleanUp);
	const store = await openThreadedSqliteStore({ path: join(dataDir, STORE_FILE) });
	cleanUp.push(() => store.close());
	const masterKey = await masterKeyFor(config, dataDir, store);
	const logger = createLogger(config.logLevel, log);
	const metrics = new Metrics();
	const sender = openUndiciSender({
		guard,
		// No attempt waits for a connection that a stranger to the same host holds: the engine's limit is the only one.
		connectionsPerPool: config.maxInFlight,
		...(config.proxy !== null && { proxy: config.proxy }),
	});
	cleanUp.push(() => sender.close());
	const schemas = openAjvValidator();
	cleanUp.push(() => schemas.close());
	const requestLog = (line: RequestLine) => logRequest(logger, line);
	const unreadable = new UnreadableRequests(requestLog);
	// Before the first start makes a key: were it made and then the port taken, nobody would ever be shown it.
	const http = await HttpServer.listen(config, unreadable);
	cleanUp.push(() => http.close());
	const { engine, firstStart } = await openEngine({
		parts: {
			store,
			sender,
			guard,
			schemas,
			clock: options.clock ?? systemClock,
			observer: createObserver(logger, metrics),
			sealer: createSealer(masterKey),
			ids: createIdMaker(),
			random: Math.random,
		},
		userAgent: USER_AGENT,
		limits: {
			maxInFlight: config.maxInFlight,
			maxInFlightPerWebhook: config.maxInFlightPerWebhook,
			maxWaitingSends: config.maxWaitingSends,
		},
		retention: { retentionDays: config.retentionDays, payloadRetentionDays: config.payloadRetentionDays },
		adminKey: config.adminKey,
	});
	metrics.watch({ gauges: () => engine.gauges(), openDeliveries: () => store.countOpen() });
	const app = createApp({
		engine,
		store,
		metrics: () => metrics.render(),
		requestLog,
		version: VERSION,
		limits: { bodyBytesInHand: config.maxBodyBytesInHand },
	});
	await engine.start();
	http.serve(app.fetch, options.overrideGlobals ?? false);
	let stopping: Promise<void> | null = null;
	const stop = async () => {
		await engine.stop(config.shutdownGraceMs);
		await http.close();
		await runAll(cleanUp);
	};
	return { url: http.url, dataDir, engine, firstStart, stop: () => (stopping ??= stop()) };
}

/**
 * Encrypts all webhook secrets of a data directory under a new master key, in one transaction. The server must not be running.
 * With `toEnvironment` the new key is only used, and the operator keeps it; else it takes the place of the key file.
 * Returns how many webhooks were changed. A crash on the way leaves the old key or the new one in force, never neither.
 */
export async function rotateMasterKey(config: Config, newKey: Uint8Array, toEnvironment: boolean): Promise<number> {
	const cleanUp: (() => unknown)[] = [];
	try {
		if (!existsSync(join(config.dataDir, STORE_FILE))) {
			throw new Error(
				`there is no Fanfare data in ${config.dataDir}: set FANFARE_DATA_DIR to the server's data directory`,
			);
		}
		const dataDir = openDataDir(config, cleanUp);
		const store = await openThreadedSqliteStore({ path: join(dataDir, STORE_FILE) });
		cleanUp.push(() => store.close());
		const from = createSealer(await masterKeyFor(config, dataDir, store));
		const to = createSealer(newKey);
		checkMasterKey(await store.identity(), from);
		if (!toEnvironment) stageMasterKey(dataDir, newKey);
		const changed = await resealStore(store, from, to);
		finishChange(dataDir, to.fingerprint);
		return changed;
	} finally {
		await runAll(cleanUp);
	}
}

/** Releases what was taken, last first. */
async function runAll(cleanUp: readonly (() => unknown)[]): Promise<void> {
	for (const step of cleanUp.toReversed()) await step();
}

function openDataDir(config: Config, cleanUp: (() => unknown)[]): string {
	const lock = lockDataDir(config.dataDir);
	cleanUp.push(() => lock.release());
	return config.dataDir;
}

async function masterKeyFor(config: Config, dataDir: string, store: Store): Promise<Uint8Array> {
	const identity = await store.identity();
	return config.masterKey ?? loadMasterKey(dataDir, identity?.masterKeyFingerprint ?? null);
}

function readVersion(): string {
	const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
	const version = typeof manifest === "object" && manifest !== null && "version" in manifest ? manifest.version : null;
	if (typeof version !== "string") throw new Error("the package.json of @fanfare/server has no version");
	return version;
}
