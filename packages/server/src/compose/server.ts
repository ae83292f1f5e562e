// Composes a running server from the settings. This folder is the only one that imports adapters.
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

import type { Logger } from "pino";

import { openAjvValidator } from "../adapters/ajv/ajv-validator.ts";
import { hasSchemas } from "../adapters/ajv/has-schemas.ts";
import { openDocsFiles } from "../adapters/files/docs-files.ts";
import { openPageFiles } from "../adapters/files/page-files.ts";
import { createChangeableGuard } from "../adapters/http/changeable-guard.ts";
import { createClientAddress, createIsTrusted } from "../adapters/http/clients/client-address.ts";
import { createRequestOrigin } from "../adapters/http/clients/request-origin.ts";
import { readDescriptorLimit } from "../adapters/system/descriptor-limit.ts";
import { systemChance } from "../adapters/system/system-chance.ts";
import { systemClock } from "../adapters/system/system-clock.ts";
import { LogOutput } from "../adapters/telemetry/log-output.ts";
import { createLogger } from "../adapters/telemetry/logger.ts";
import { Metrics } from "../adapters/telemetry/metrics.ts";
import { createObserver } from "../adapters/telemetry/observer.ts";
import { RequestLog } from "../adapters/telemetry/request-log.ts";
import type { OpenTracing } from "../adapters/telemetry/tracing.ts";
import { createApi, createWorkerApi } from "../api/app.ts";
import type { ApiDeps, ProxyActorHeader } from "../api/deps.ts";
import { DocsSite } from "../api/documents/docs-site.ts";
import { Page } from "../api/page/page.ts";
import { AnswerPace } from "../api/request/pace/answer-pace.ts";
import { createRequestIds } from "../api/request/request-id.ts";
import { UnreadableRequests } from "../api/request/unreadable.ts";
import { createUpgradingApp } from "../api/upgrading-app.ts";
import { completeConfig, ConfigError, type Config, type Settings } from "../config.ts";
import type { Clock } from "../core/clock.ts";
import { createSealer } from "../core/crypto/sealing.ts";
import type { ErrorCode } from "../core/errors.ts";
import { createIdMaker } from "../core/ids.ts";
import type { Engine } from "../engine/calls.ts";
import { openEngine } from "../engine/engine.ts";
import type { FirstStart } from "../engine/managing/bootstrap.ts";
import { fetchListener } from "../fetch-listener.ts";
import type { GivenLogger, RequestLine } from "../ports/log.ts";
import type { Role } from "../ports/membership.ts";
import { openHttp } from "./accepting/open-http.ts";
import { shareDescriptors } from "./descriptors.ts";
import { createEmbeddedProfile } from "./embedded.ts";
import { createInProcess, type InProcess } from "./in-process.ts";
import { MoveReport } from "./move-report.ts";
import type { Profile } from "./profile.ts";
import { engineChangeOf, SettingsInForce, type Reloaded } from "./reload.ts";
import { openSender, senderThreadsOf } from "./sending/open-sender.ts";
import { createServerStatus } from "./server-status.ts";
import { makeSignInLink } from "./sign-in-link.ts";
import { VERSION } from "./version.ts";

const USER_AGENT = `Fanfare/${VERSION} (+https://github.com/fanfare-webhooks/fanfare)`;
/** Where `npm run build` writes the page. The same folder for the sources and for what is compiled from them. */
const PAGE_FOLDER = fileURLToPath(new URL("../../dist/page/", import.meta.url));
/** Where it writes the site of the documents. */
const DOCS_FOLDER = fileURLToPath(new URL("../../dist/docs/", import.meta.url));
/** How long a stop waits for the last log lines to be written. */
const LOG_GRACE_MS = 500;

/** A server that is delivering, and listening unless it was told not to. */
export interface RunningServer extends InProcess {
	/** The address that it listens on, such as `http://127.0.0.1:8787`. With `listen: false`, the same as `publicUrl`. */
	readonly url: string;
	/** The address that people use: the setting `FANFARE_PUBLIC_URL`, or `url` if it is not set. No slash at the end. */
	readonly publicUrl: string;
	/** The setting `FANFARE_ROLE`: `all` unless several processes share a database. */
	readonly role: Role;
	/** Null if the data is in a database. */
	readonly dataDir: string | null;
	readonly engine: Engine;
	/** The project and key that a first start has created; null if the store was not empty. */
	readonly firstStart: (FirstStart & { readonly adminKeyFile: string | null }) | null;
	/**
	 * With `StartOptions.signInLink`: the address that signs somebody in to the page, once, within 10 minutes, with the oldest key that
	 * administers the workspace. Null without the option, or if there is no such key.
	 */
	readonly signInLink: string | null;
	/**
	 * Reads the settings again, and puts in force those that can change while the server runs: docs/configuration.md names them. If one is not valid,
	 * all stay as they are, the log says why, and the result is null. `fanfare serve` calls it at SIGHUP.
	 *
	 * @example
	 * server.reload(() => readConfig(process.env, { "log-level": "debug" }));
	 */
	reload(read: () => Settings): Reloaded | null;
	/** Refuses new sends, lets attempts in flight finish, records their outcomes, and closes. May be called twice. */
	stop(): Promise<void>;
	/**
	 * Resolves when `stop()` has ended. Rejects as soon as the server can't go on, with the reason: the thread
	 * of its store has ended, one that makes attempts, or the one that accepts requests. It then stops by itself: all calls reject, sends get a 503, no attempt is started, and
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
	 * False for a program that serves Fanfare on a server of its own, with `handler` or `listener`: no port is opened. Then the setting
	 * `publicUrl` is needed, the address at which the program serves it. Defaults to true.
	 */
	readonly listen?: boolean;
	/**
	 * Gets the log, instead of standard output: pino, or any object with its methods. The setting `logLevel` says from which level on.
	 * No method may throw.
	 */
	readonly logger?: GivenLogger;
	/**
	 * Lets the HTTP server replace the global `Request` and `Response` with lighter ones, which saves about a tenth of the
	 * CPU per request. For a process that runs only the server. Defaults to false.
	 */
	readonly overrideGlobals?: boolean;
	/**
	 * Called every few seconds while the start moves rows of an earlier version to the form of this one, with a sentence that says how
	 * far that is. It takes about a minute for a million deliveries. Meanwhile, the server responds to `/healthz` with 200, and to
	 * every other call with 503. If the process ends, the next start goes on.
	 */
	readonly onUpgrade?: (line: string) => void;
	/**
	 * Writes an admin key that a first start generates to the file `admin.key` in the data directory, which only its owner can
	 * read: `firstStart` then has the file's path in `adminKeyFile` and no key. For a program whose output is kept. Without a data
	 * directory, such a start is refused: set the key. Defaults to false.
	 */
	readonly adminKeyToFile?: boolean;
	/**
	 * Makes a link that signs somebody in to the page. For a program whose output is read by one person and not kept: whoever has
	 * the link can use it. Nothing is made if the role is `worker`. Defaults to false.
	 */
	readonly signInLink?: boolean;
	/**
	 * Called when the server runs, before the first line of the log is written: lines are kept until then. It must not throw.
	 * If omitted, lines are written as they come.
	 */
	readonly onRunning?: (server: RunningServer) => void;
}

/**
 * Starts a server in this process. Rejects with a `ConfigError` for settings that are wrong, and if the data directory is in use, was
 * written by a newer Fanfare or with another master key, or if the port is in use; everything opened so far is closed first.
 *
 * @param settings as values, or those of `readConfig`
 *
 * @example
 * const server = await startServer({ port: 0, dataDir: "./fanfare-data" });
 * await server.send({ type: "order.paid", data: { orderId: 4711 } });
 * await server.stop();
 */
export async function startServer(settings: Settings = {}, options: StartOptions = {}): Promise<RunningServer> {
	const config = completeConfig(settings);
	if (options.listen === false && config.publicUrl === null) {
		throw new ConfigError([
			"publicUrl must be set with listen: false: the address at which your program serves the handler, such as http://localhost:3000/fanfare",
		]);
	}
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
	const { onRunning } = options;
	const log = new LogOutput(systemClock, { held: onRunning !== undefined });
	resources.defer(() => log.close(LOG_GRACE_MS));
	const { role, host, port } = config;
	const guard = createChangeableGuard(config);
	const inForce = new SettingsInForce(config);
	const { portalOrigins, egressAddresses } = inForce;
	const clientAddress = createClientAddress(config.trustedProxies);
	const descriptorLimit = readDescriptorLimit();
	const senderThreads = senderThreadsOf(config, availableParallelism());
	const acceptorThreads = options.listen === false ? 0 : config.acceptorThreads;
	const shares = shareDescriptors(descriptorLimit, { ...config, senderThreads, acceptorThreads });
	const { maxConnections, maxInFlight, maxStreams } = shares;
	// It refuses some settings, so it comes before anything is created.
	const { sender, ...senderState } = await openSender(config, senderThreads, guard, shares);
	resources.defer(() => sender.close());
	const profile = await createProfile(config, clock, resources);
	const logger = createLogger(config.logLevel, options.logger ?? log);
	for (const { message } of profile.warnings()) logger.warn(message);
	if (maxInFlight < config.maxInFlight) {
		logger.warn({ descriptorLimit, maxInFlight }, "fewer attempts in flight than set: raise the limit of open files");
	}
	const metrics = new Metrics(VERSION);
	const requestLog = new RequestLog(logger, systemClock, () => metrics.requestLineLeftOut());
	resources.defer(() => requestLog.close());
	const requestDeps = {
		requestLog: (line: RequestLine) => requestLog.write(line),
		bodyRefused: (code: ErrorCode) => metrics.bodyRefused(code),
		clientAddress,
		makeRequestId: createRequestIds(systemChance),
		clock: systemClock,
		version: VERSION,
		portalOrigins,
		answerPace: new AnswerPace(systemClock, config.maxRefusalsPerSecond),
	};
	// Listen before a first start generates the admin key: if the port is in use, nobody would ever see that key.
	const unreadable = new UnreadableRequests(requestDeps);
	const listening = { host, port, maxConnections, refused: () => metrics.connectionRefused() };
	const http = options.listen === false ? null : await openHttp(listening, acceptorThreads, unreadable);
	resources.defer(() => http?.close());
	const report = new MoveReport(logger, systemClock, options.onUpgrade ?? (() => {}));
	const loadDocs = openDocsFiles(DOCS_FOLDER);
	const page = new Page(openPageFiles(PAGE_FOLDER), systemChance, portalOrigins);
	const sites = [page, new DocsSite(loadDocs)];
	const upgradingApp = createUpgradingApp(requestDeps, () => report.text, sites);
	const observer = createObserver(logger, metrics);
	const tracing = await openTraces(config, logger);
	resources.defer(() => tracing?.close());
	const opened = await profile.open({ logger, observer, port: http?.port ?? null }, (progress) => {
		if (!report.hasBegun) http?.handle(fetchListener(upgradingApp.fetch, unreadable));
		report.update(progress);
	});
	const { store, storeDied, masterKey, tenure, wire, membership } = opened;
	report.end();
	const schemas = openAjvValidator({ clock: systemClock });
	resources.defer(() => schemas.close());
	// It was deferred before the store, too, in case that can't be opened. It must be closed before everything that it uses.
	resources.defer(() => http?.close());
	let adminKeyFile: string | null = null;
	const keepAdminKey = (secretKey: string) => (adminKeyFile = profile.keepAdminKey(secretKey));
	const changeable = engineChangeOf(config);
	// Before the first start makes a key, which nobody would see if a thread could not be started.
	await senderState.ready;
	const { engine, firstStart } = await openEngine({
		parts: {
			store,
			sender,
			guard,
			schemas,
			clock,
			observer,
			chance: systemChance,
			sealer: createSealer(masterKey, systemChance),
			ids: createIdMaker(systemChance),
			tenure,
			wire,
			...(membership !== undefined && { membership }),
			...(tracing !== null && { tracing }),
		},
		userAgent: USER_AGENT,
		limits: {
			maxInFlight,
			maxInFlightPerWebhook: config.maxInFlightPerWebhook,
			maxWaitingSends: config.maxWaitingSends,
			maxStreams,
			...changeable.limits,
			...opened.limits,
			// A clock that is moved by hand stands still while a commit waits for more work, or an outcome for a send.
			...(options.clock !== undefined && { gatherMs: 0, rideMs: 0 }),
		},
		retention: changeable.retention,
		quotas: changeable.quotas,
		adminKey: config.adminKey,
		keepAdminKey: options.adminKeyToFile === true ? keepAdminKey : undefined,
	});
	// Without its store, the engine can't write the outcomes of attempts: waiting for them would be in vain. Without a thread that makes
	// attempts, those of the others are cut short, too, so that the next start comes soon.
	let graceMs: number | null = null;
	// Everything that the engine uses was deferred before, so it is closed after the engine has stopped.
	resources.defer(() => engine.stop(graceMs ?? inForce.config.shutdownGraceMs));
	const apiDeps: ApiDeps = {
		engine,
		authenticate: (text) => engine.keys.authenticate(text) ?? engine.portalSessions.authenticate(text),
		store,
		lists: opened.lists,
		isCurrent: opened.isCurrent,
		proxyActorHeader: proxyActorHeader(config),
		serverStatus: createServerStatus(
			{ config: () => inForce.config, profile, maxInFlight, maxConnections },
			() => http?.connections ?? 0,
		),
		requestOrigin: createRequestOrigin(config.trustedProxies),
		docsShell: () => loadDocs()?.apiShell ?? null,
		readRefused: () => metrics.readRefused(),
		metrics: () => metrics.render(),
		...requestDeps,
		publicUrl: config.publicUrl,
		egressAddresses,
		limits: { bodyBytesInHand: config.maxBodyBytesInHand },
	};
	await engine.start();
	// If the store can't say it now, the first check starts what it needs.
	const isChecking = role === "worker" ? Promise.resolve(false) : hasSchemas(store, engine.projects.list());
	isChecking.then((isNeeded) => isNeeded && schemas.start()).catch(() => {});
	const api = role === "worker" ? { ...createWorkerApi(apiDeps), lean: null } : createApi(apiDeps, sites);
	const { app, lean, unreadResponseBytes } = api;
	metrics.watch({
		gauges: () => engine.gauges(),
		unreadResponseBytes,
		openDeliveries: () => store.countOpen(),
		room: () => store.usage([]),
		cluster: profile.cluster,
	});
	const { overrideGlobals: overrideGlobalObjects = false } = options;
	http?.handle(fetchListener(app.fetch, unreadable, { overrideGlobalObjects, lean }), lean);
	const deaths = [storeDied, senderState.died, ...(http?.died === undefined ? [] : [http.died])];
	const { stop, closed } = endings(resources, Promise.race(deaths), (error) => {
		logger.fatal({ err: error }, "the server can't go on and stops");
		graceMs = 0;
	});
	const { dataDir } = profile;
	const url = http?.url ?? config.publicUrl ?? "";
	const publicUrl = config.publicUrl ?? url;
	const isLinkWanted = options.signInLink === true && role !== "worker";
	const signInLink = isLinkWanted ? await makeSignInLink(engine, publicUrl, clock.now()) : null;
	const server: RunningServer = {
		...createInProcess(app, unreadable, engine, role),
		role,
		url,
		publicUrl,
		signInLink,
		dataDir,
		engine,
		firstStart: firstStart && { ...firstStart, ...(adminKeyFile !== null && { secretKey: null }), adminKeyFile },
		reload: (read) => inForce.reload(read, { logger, guard, sender, engine }),
		stop,
		closed,
	};
	onRunning?.(server);
	log.release();
	return server;
}

/** A server on a directory loads no code that only databases need. */
async function createProfile(config: Config, clock: Clock, resources: AsyncDisposableStack): Promise<Profile> {
	if (config.databaseUrl === null) return createEmbeddedProfile(config, clock, resources);
	const { createClusterProfile } = await import("./cluster.ts");
	return createClusterProfile(config, clock, resources);
}

/** Null unless they are asked for: nothing of what they need is loaded then. */
async function openTraces({ tracesUrl, tracesRatio }: Config, logger: Logger): Promise<OpenTracing | null> {
	if (tracesUrl === null) return null;
	const { openTracing } = await import("../adapters/telemetry/tracing.ts");
	const onLost = (reason: string) =>
		logger.warn({ reason }, "traces could not be sent to FANFARE_TRACES_URL; they are lost");
	const monotonicMs = () => systemClock.monotonicMs();
	return openTracing({ url: tracesUrl, ratio: tracesRatio, version: VERSION, onLost, monotonicMs });
}

/** Only a trusted proxy names the person. */
function proxyActorHeader({ actorHeader, trustedProxies }: Config): ProxyActorHeader {
	const isTrusted = createIsTrusted(trustedProxies);
	return (peer) => (actorHeader !== null && isTrusted(peer) ? actorHeader : null);
}

/** The two ways in which a server ends: somebody calls `stop`, or a thread that it needs dies. `onDeath` is called before it stops. */
function endings(
	resources: AsyncDisposableStack,
	died: Promise<Error>,
	onDeath: (error: Error) => void,
): Pick<RunningServer, "stop" | "closed"> {
	const closed = Promise.withResolvers<void>();
	let stopping: Promise<void> | null = null;
	const stop = () => (stopping ??= resources.disposeAsync().finally(closed.resolve));
	const stopAtDeath = async () => {
		const error = await died;
		onDeath(error);
		closed.reject(error);
		await stop();
	};
	// A failure to close everything is for the caller of `stop`.
	stopAtDeath().catch(() => {});
	return { stop, closed: closed.promise };
}
