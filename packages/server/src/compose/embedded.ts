// Composes a running server from the settings. This folder is the only one that imports adapters.
import { readFileSync } from "node:fs";

import { openAjvValidator } from "../adapters/ajv/ajv-validator.ts";
import { createAloneTenure } from "../adapters/alone/alone-tenure.ts";
import { createAloneWire } from "../adapters/alone/alone-wire.ts";
import { createAddressGuard } from "../adapters/http/address-guard.ts";
import { createClientAddress } from "../adapters/http/client-address.ts";
import { openUndiciSender } from "../adapters/http/undici-sender.ts";
import { systemChance } from "../adapters/system/system-chance.ts";
import { systemClock } from "../adapters/system/system-clock.ts";
import { LogOutput } from "../adapters/telemetry/log-output.ts";
import { createLogger } from "../adapters/telemetry/logger.ts";
import { Metrics } from "../adapters/telemetry/metrics.ts";
import { createObserver } from "../adapters/telemetry/observer.ts";
import { logRequest } from "../adapters/telemetry/request-log.ts";
import { createApp } from "../api/app.ts";
import { createRequestIds } from "../api/request/request-id.ts";
import { UnreadableRequests } from "../api/request/unreadable.ts";
import type { Config } from "../config.ts";
import type { Clock } from "../core/clock.ts";
import { createSealer } from "../core/crypto/sealing.ts";
import { createIdMaker } from "../core/ids.ts";
import type { Engine } from "../engine/calls.ts";
import { openEngine } from "../engine/engine.ts";
import type { FirstStart } from "../engine/managing/bootstrap.ts";
import { HttpServer } from "../http-server.ts";
import type { RequestLine } from "../ports/log.ts";
import type { StoreError } from "../ports/store/errors.ts";
import { openDataDir } from "./data-dir.ts";

/** The version of this package, such as `0.1.0`. */
export const VERSION = readVersion();
const USER_AGENT = `Fanfare/${VERSION} (+https://github.com/fanfare-webhooks/fanfare)`;
/** How long a stop waits for the last log lines to be written. */
const LOG_GRACE_MS = 500;

/** A server that is listening and delivering. */
export interface RunningServer {
	/** The address that it listens on, such as `http://127.0.0.1:8787`. */
	readonly url: string;
	/** The address that people use: the setting `FANFARE_PUBLIC_URL`, or `url` if it is not set. No slash at the end. */
	readonly publicUrl: string;
	readonly dataDir: string;
	readonly engine: Engine;
	/** The project and key that a first start has created; null if the data directory was not empty. */
	readonly firstStart: FirstStart | null;
	/** Refuses new sends, lets attempts in flight finish, records their outcomes, and closes. May be called twice. */
	stop(): Promise<void>;
	/**
	 * Resolves when `stop()` has ended. Rejects as soon as the server can't go on, with the reason: the thread
	 * of its store has ended. It then stops by itself: all calls reject, sends get a 503, no attempt is started, and
	 * `stop()` resolves when everything is closed. A new server on the same data directory continues from there.
	 *
	 * Node ends the program if nobody handles the rejection, so that a server that has stopped delivering is noticed.
	 */
	readonly closed: Promise<void>;
}

export interface StartOptions {
	/**
	 * Replaces the system clock for everything that is scheduled: retries, leases, retention. Connections, requests and
	 * schema checks are still timed by the system clock. For tests and demonstrations.
	 */
	readonly clock?: Clock;
	/**
	 * Lets the HTTP server replace the global `Request` and `Response` with lighter ones, which saves about a tenth of the
	 * CPU per request. For a process that runs only the server. Defaults to false.
	 */
	readonly overrideGlobals?: boolean;
}

/**
 * Starts a server in this process. Rejects if the data directory is in use, was written by a newer Fanfare or with
 * another master key, or if the port is in use; everything opened so far is closed first.
 *
 * @example
 * const server = await startServer(readConfig({ FANFARE_PORT: "0" }));
 * console.log(server.url);
 * await server.stop();
 */
export async function startServer(config: Config, options: StartOptions = {}): Promise<RunningServer> {
	const resources = new AsyncDisposableStack();
	try {
		return await start(config, options, resources);
	} catch (error) {
		await resources.disposeAsync();
		throw error;
	}
}

async function start(config: Config, options: StartOptions, resources: AsyncDisposableStack): Promise<RunningServer> {
	const clock = options.clock ?? systemClock;
	const log = new LogOutput(systemClock);
	resources.defer(() => log.close(LOG_GRACE_MS));
	const guard = createAddressGuard({ allowNetworks: [...config.allowNetworks], allowHttp: config.allowHttp });
	const clientAddress = createClientAddress(config.trustedProxies);
	const { store, storeDied, masterKey } = await openDataDir(config, clock, resources);
	const logger = createLogger(config.logLevel, log);
	const metrics = new Metrics();
	const sender = openUndiciSender({
		guard,
		clock: systemClock,
		// The engine's limit is the only one, so that no attempt waits for connections that others use to the same host.
		connectionsPerPool: config.maxInFlight,
		...(config.proxy !== null && { proxy: config.proxy }),
	});
	resources.defer(() => sender.close());
	const schemas = openAjvValidator({ clock: systemClock });
	resources.defer(() => schemas.close());
	const requestLog = (line: RequestLine) => logRequest(logger, line);
	const requestDeps = { requestLog, clientAddress, makeRequestId: createRequestIds(systemChance) };
	const unreadable = new UnreadableRequests(requestDeps);
	// Listen before a first start generates the admin key: if the port is in use, nobody would ever see that key.
	const http = await HttpServer.listen(config, unreadable, systemClock);
	resources.defer(() => http.close());
	const { engine, firstStart } = await openEngine({
		parts: {
			store,
			sender,
			guard,
			schemas,
			clock,
			observer: createObserver(logger, metrics),
			chance: systemChance,
			sealer: createSealer(masterKey, systemChance),
			ids: createIdMaker(systemChance),
			tenure: createAloneTenure(),
			wire: createAloneWire(),
		},
		userAgent: USER_AGENT,
		limits: {
			maxInFlight: config.maxInFlight,
			maxInFlightPerWebhook: config.maxInFlightPerWebhook,
			maxWaitingSends: config.maxWaitingSends,
			// A clock that is moved by hand stands still while a commit waits for more work.
			...(options.clock !== undefined && { gatherMs: 0 }),
		},
		retention: { retentionDays: config.retentionDays, payloadRetentionDays: config.payloadRetentionDays },
		adminKey: config.adminKey,
	});
	// Without its store, the engine can't write the outcomes of attempts: waiting for them would be in vain.
	let graceMs = config.shutdownGraceMs;
	// Everything that the engine uses was deferred before, so it is closed after the engine has stopped.
	resources.defer(() => engine.stop(graceMs));
	metrics.watch({ gauges: () => engine.gauges(), openDeliveries: () => store.countOpen() });
	const app = createApp({
		engine,
		store,
		metrics: () => metrics.render(),
		...requestDeps,
		clock: systemClock,
		version: VERSION,
		publicUrl: config.publicUrl,
		limits: { bodyBytesInHand: config.maxBodyBytesInHand },
	});
	await engine.start();
	http.serve(app.fetch, options.overrideGlobals ?? false);
	const { stop, closed } = endings(resources, storeDied, (error) => {
		logger.fatal({ err: error }, "the server can't go on and stops");
		graceMs = 0;
	});
	const { url } = http;
	const { dataDir, publicUrl } = config;
	return {
		url,
		publicUrl: publicUrl ?? url,
		dataDir,
		engine,
		firstStart,
		stop,
		closed,
	};
}

/** The two ways in which a server ends: somebody calls `stop`, or its store dies. `onDeath` is called before it stops. */
function endings(
	resources: AsyncDisposableStack,
	storeDied: Promise<StoreError>,
	onDeath: (error: StoreError) => void,
): Pick<RunningServer, "stop" | "closed"> {
	const closed = Promise.withResolvers<void>();
	let stopping: Promise<void> | null = null;
	const stop = () => (stopping ??= resources.disposeAsync().finally(closed.resolve));
	const stopAtDeath = async () => {
		const error = await storeDied;
		onDeath(error);
		closed.reject(error);
		await stop();
	};
	// A failure to close everything is for the caller of `stop`.
	stopAtDeath().catch(() => {});
	return { stop, closed: closed.promise };
}

function readVersion(): string {
	const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
	const version = typeof manifest === "object" && manifest !== null && "version" in manifest ? manifest.version : null;
	if (typeof version !== "string") throw new Error("the package.json of @fanfare/server has no version");
	return version;
}
