// A round's server, receivers, senders and webhooks, and what faults can do to them.
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import { utils, type Client, type ProjectHandle, type WebhookSpec } from "@fanfare/sdk";
import type { Acknowledged, Breach, PromiseName, RunEnd, WebhookRecord } from "@fanfare/testkit/checks/record";
import { eventually } from "@fanfare/testkit/eventually";
import type { Exit } from "@fanfare/testkit/fanfare-process";
import { startNats } from "@fanfare/testkit/programs/nats";
import { WORKING_TREE } from "@fanfare/testkit/programs/server-code";
import { startReceiver, type Receiver, type ReceiverOptions } from "@fanfare/testkit/receiver";
import { namedRandom, type Random } from "@fanfare/testkit/seeded-random";
import { persistentClient } from "@fanfare/testkit/sending-load";
import { freePort, ServerProcess } from "@fanfare/testkit/server-process";
import { SmallDisk } from "@fanfare/testkit/small-disk";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { ControlledWorld, PRELOAD } from "@fanfare/testkit/world/controlled-world";

import { Book } from "./harness/book.ts";
import { Canaries } from "./harness/canaries.ts";
import { judgeCluster } from "./harness/cluster/judge-cluster.ts";
import { Members } from "./harness/cluster/members.ts";
import type { Role } from "./harness/cluster/roles.ts";
import { MemoryWatch } from "./harness/memory-watch.ts";
import type { ForwardProxy } from "./harness/proxy/forward-proxy.ts";
import { Senders } from "./harness/senders.ts";
import { serverSettings } from "./harness/server-settings.ts";
import { PostgresData } from "./harness/stores/postgres-data.ts";
import { CLUSTERS, embeddedData, type ProfileName, type RoundData } from "./harness/stores/round-data.ts";
import { UsableTime, type Period } from "./harness/usable-time.ts";
import { HIDDEN_HEADER, wants, type WebhookKind } from "./harness/webhook-kinds.ts";

const SENDERS = 4;
const PAUSE_MS = 45;
/** How long the connections of an ended server may stay open at the receivers. */
const CONNECTIONS_END_MS = 3_000;
const HOSTILE_EVENTS = 8;
/** Far above what senders count up to. */
const FIRST_RAW_NUMBER = 1_000_000_000;

export interface AddOptions {
	readonly mayMiss?: WebhookRecord["mayMiss"];
	readonly secrets?: readonly string[];
}

export class Round implements AsyncDisposable {
	readonly seed: number;
	/** The name of the fault that strikes in it. */
	readonly faultName: string;
	/** Whether it has several processes on one database. */
	readonly isCluster: boolean;
	/** The directory for files of this round. */
	readonly dir = new TemporaryDir();
	/** Where the server keeps its data: the embedded profile in `dataDir`. */
	readonly data: RoundData;
	dataDir: string;
	/** The sources of processes that start in a cluster. A fault may change them before the first start. */
	codeDir = WORKING_TREE;
	/** What each process of a cluster does, in the order of their starts. A fault may set it. Null: drawn by the seed. */
	roles: readonly Role[] | null = null;
	/** The server's settings. Faults may change them before a start. */
	readonly env: Record<string, string>;
	readonly world = new ControlledWorld();
	readonly canaries: Canaries;
	readonly receiver: Receiver;
	readonly book: Book;
	readonly adminKey = `sk_${randomBytes(32).toString("base64url")}`;
	readonly ends: RunEnd[] = [];
	readonly breaches: Breach[] = [];
	readonly webhooks: WebhookRecord[] = [];
	/** Acknowledged events that were not sent by the round's senders. */
	readonly alsoAcknowledged: Acknowledged[] = [];
	/** How many successes beside one a delivery may have, by its id: see the record. */
	readonly moreSuccesses = new Map<string, number>();
	/** Events that retention may delete. */
	readonly purgeable = new Set<string>();
	/** Everything that the server has printed. */
	output = "";
	/** The times from which on deliveries are expected again. */
	readonly recoveries: number[] = [];
	/** Memory of the server, in MB: far above what a round needs that opens no thousand streams. What grows without bound exceeds it within seconds. */
	maxMb = 450;
	/** How soon healthy webhooks must get each event. Null if the fault stops the server or moves its clock. */
	promptWithinMs: number | null = null;
	/** The ids of other projects, which are no part of the record. */
	readonly neighbours: string[] = [];
	/** Checks what is no part of the round's record, when the server has stopped. */
	readonly checks: (() => Promise<Breach[]>)[] = [];
	/** The longest pause of a sender between two sends. */
	pauseMs = PAUSE_MS;
	/** False if the stats can't agree with the log: events were deleted, or were accepted by a schema without stats. */
	hasStats = true;
	/** The periods in which a response may or may not have reached the server. */
	readonly unclear: Period[] = [];
	/** How long a request may be on its way to its receiver. */
	onTheWayMs = 0;
	/** How many events a hostile receiver gets: few, because each may take seconds. */
	hostileEvents = HOSTILE_EVENTS;
	/** Adapts the kinds of webhooks to the fault, for instance if nothing can be delivered for seconds. */
	adaptKind: (kind: WebhookKind) => WebhookKind = (kind) => kind;
	/** Values that must be in no log and no file, by what they are, besides the secrets of the webhooks. */
	readonly hiddenValues = new Map<string, Buffer>();
	/** When the webhook `deleted` was deleted; Infinity before that. */
	deletedAt = Infinity;
	/** When the first run began. */
	startedAt = 0;
	memory: MemoryWatch | null = null;
	readonly time = new UsableTime();
	/** The forward proxy that the server delivers through; null if it delivers directly. */
	proxy: ForwardProxy | null = null;
	#disk: SmallDisk | null = null;
	#lastNumber = FIRST_RAW_NUMBER;
	readonly #receivers: Receiver[] = [];
	readonly #cleanUps: (() => void | Promise<void>)[] = [];
	#server: ServerProcess | null = null;
	#members: Members | null = null;
	readonly #hasNats: boolean;
	#senders: Senders | null = null;

	private constructor(
		{ faultName, seed, clockMoves }: { faultName: string; seed: number; clockMoves: boolean },
		receiver: Receiver,
		canaries: Canaries,
		database: PostgresData | null,
		profile: ProfileName,
	) {
		this.isCluster = CLUSTERS.includes(profile);
		this.#hasNats = profile === "nats";
		this.faultName = faultName;
		this.seed = seed;
		this.receiver = receiver;
		this.canaries = canaries;
		this.dataDir = this.dir.join("data");
		this.data = database ?? embeddedData(() => this.dataDir);
		const toleranceMs = clockMoves ? Number.MAX_SAFE_INTEGER : 60_000;
		this.book = new Book({ now: () => this.world.now(), toleranceMs, random: this.random("receivers") });
		this.serve(receiver);
		this.hiddenValues.set("the admin key", Buffer.from(this.adminKey));
		this.hiddenValues.set("a header's value", Buffer.from(HIDDEN_HEADER));
		this.env = { ...serverSettings(this.adminKey, this.random("log level")), ...this.data.env };
	}

	static async open(faultName: string, seed: number, profile: ProfileName): Promise<Round> {
		const clockMoves = faultName.startsWith("clock") || faultName.includes("retention");
		const database = profile === "embedded" ? null : await PostgresData.start();
		const [receiver, canaries] = await Promise.all([startReceiver(), Canaries.listen()]);
		return new Round({ faultName, seed, clockMoves }, receiver, canaries, database, profile);
	}

	/** The database of the round. Throws if it has none. */
	get database(): PostgresData {
		if (this.data instanceof PostgresData) return this.data;
		throw new Error("the round has no database");
	}

	get maxInFlightPerWebhook(): number {
		return Number(this.env["FANFARE_MAX_IN_FLIGHT_PER_WEBHOOK"]);
	}

	get maxInFlight(): number {
		return Number(this.env["FANFARE_MAX_IN_FLIGHT"]);
	}

	/** The processes of a cluster. Throws if the round has one server. */
	get members(): Members {
		if (this.#members === null) throw new Error("the round has no cluster");
		return this.#members;
	}

	/** In a cluster, the one that takes the next call. */
	get server(): ServerProcess {
		if (this.#members !== null) return this.#members.next().server;
		if (this.#server === null) throw new Error("the round's server has not been started");
		return this.#server;
	}

	get project(): ProjectHandle {
		return this.client.project(this.projectId);
	}

	get projectId(): string {
		return (this.#members?.all[0]?.server ?? this.server).projectId;
	}

	get client(): Client {
		return this.clientWith(this.adminKey);
	}

	/** The same, with another key. */
	clientWith(key: string): Client {
		// A change that other members can't confirm takes 5 s, on a busy machine more, and it is not made twice.
		return persistentClient(key, this.server.url, { timeoutMs: 15_000 });
	}

	get senders(): Senders {
		if (this.#senders === null) throw new Error("the load has not begun");
		return this.#senders;
	}

	get acknowledged(): Acknowledged[] {
		return [...(this.#senders?.acknowledged ?? []), ...this.alsoAcknowledged];
	}

	/** A generator that depends only on the round's seed and on `name`. */
	random(name: string): Random {
		return namedRandom(this.seed, name);
	}

	/** Registers a clean-up for the end of the round. The last one registered runs first. */
	onEnd(cleanUp: () => void | Promise<void>): void {
		this.#cleanUps.push(cleanUp);
	}

	breach(promise: PromiseName, text: string): void {
		this.breaches.push({ promise, text });
	}

	/** Records a breach of the promise "fault" unless `isSo`. */
	expect(isSo: boolean, text: string): void {
		if (!isSo) this.breach("fault", text);
	}

	/** A number for an event that is not sent by the round's senders. */
	nextNumber(): number {
		return ++this.#lastNumber;
	}

	/** Puts the data on a disk that can be full. To be called before the first start. */
	useSmallDisk(mebibytes: number): void {
		const disk = new SmallDisk(mebibytes);
		this.#disk = disk;
		this.dataDir = disk.join("data");
		// A quota of bytes that is never reached: without one, sends would be refused before the disk is full.
		this.env["FANFARE_MAX_STORED_BYTES"] = "1000000000";
		this.onEnd(() => disk[Symbol.dispose]());
	}

	get disk(): SmallDisk {
		if (this.#disk === null) throw new Error("the round has no small disk");
		return this.#disk;
	}

	/** Makes this receiver respond for the round's webhooks. */
	serve(receiver: Receiver): void {
		this.#receivers.push(receiver);
		this.book.serve(receiver);
	}

	/** Starts one more receiver, for the fault's own use. */
	async addReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
		const receiver = await startReceiver(options);
		this.serve(receiver);
		return receiver;
	}

	/** Starts the server's process, and `server.ready()` resolves when it serves. Or starts a cluster, which then serves. */
	async spawn(): Promise<void> {
		this.startedAt = Date.now();
		if (this.isCluster) {
			this.#members = new Members(this, this.#hasNats ? await startNats() : null);
			await this.#members.start();
			this.memory = new MemoryWatch(() => this.members.serving.map(({ server }) => server.pid));
			return;
		}
		const { env, onMessage } = this.world;
		const options = { dataDir: this.dataDir, env: { ...this.env, ...env }, preload: [PRELOAD], onMessage };
		this.#server = new ServerProcess(options, await freePort());
		this.world.attach(this.#server);
		this.memory = new MemoryWatch(() => [this.server.pid]);
	}

	async addWebhook(kind: WebhookKind, options: AddOptions = {}): Promise<WebhookRecord> {
		const secret = utils.generateWebhookSecret();
		const spec = { ...this.specOf(kind), secret, ...kind.spec };
		const { id } = await this.project.batch.webhooks.create({ name: kind.name, spec });
		return this.adopt(id, kind, { secrets: [secret], ...options });
	}

	/** The settings that are not those of the kind: where its requests go, and how long they may take. */
	specOf({ name, endpoint }: WebhookKind): Pick<WebhookSpec, "endpoint" | "timeoutMs"> {
		return { endpoint: endpoint ?? `${this.receiver.url}/${name}`, timeoutMs: 5_000 };
	}

	/** Makes a webhook that exists part of the round: receivers respond for it, and its deliveries are checked. */
	adopt(id: string, kind: WebhookKind, { secrets = [], mayMiss = () => false }: AddOptions): WebhookRecord {
		this.book.register(`/${kind.name}`, { id, kind, secrets });
		const record: WebhookRecord = {
			id,
			name: kind.name,
			secrets,
			wants: (type) => wants(kind.spec.eventTypes, type),
			mayEnd: kind.mayEnd,
			attemptsUntilFailed: kind.attemptsUntilFailed ?? null,
			mayMiss,
			isHealthy: kind.isHealthy ?? false,
			perSecond: kind.spec.rateLimit?.perSecond ?? null,
		};
		this.webhooks.push(record);
		return record;
	}

	webhook(name: string): WebhookRecord {
		const found = this.webhooks.find((webhook) => webhook.name === name);
		if (found === undefined) throw new Error(`the round has no webhook ${name}`);
		return found;
	}

	beginLoad(): void {
		this.#senders = new Senders({
			key: this.adminKey,
			url: this.server.url,
			fetch: this.#members?.fetchInTurn,
			projectId: this.projectId,
			aimedAt: this.webhook("aimed-at").id,
			hostileEvents: this.webhooks.some(({ name }) => name.startsWith("hostile")) ? this.hostileEvents : 0,
			randoms: Array.from({ length: SENDERS }, (_, n) => this.random(`sender ${n}`)),
			pauseMs: this.pauseMs,
		});
	}

	/** Waits until `count` more events are acknowledged. */
	async load(count: number): Promise<void> {
		const wanted = this.senders.acknowledged.length + count;
		await eventually(`${count} events to be acknowledged`, () => this.senders.acknowledged.length >= wanted);
	}

	/** Waits for a random time, at most `longestMs`. */
	async moment(random: Random, longestMs: number): Promise<void> {
		await delay(random() * longestMs);
	}

	/** Ends the run with SIGKILL. */
	async kill(): Promise<void> {
		this.server.kill("SIGKILL");
		await this.ended("killed");
	}

	/** Waits for the end of the run, and records the log on the disk. */
	async ended(how: RunEnd["how"]): Promise<Exit> {
		const exit = await this.server.exited;
		this.output += this.server.stdout + this.server.stderr;
		// After this, the receivers have read everything that the server had sent, and count it to this run.
		await Promise.allSettled(this.#receivers.map((each) => each.waitForConnections(0, CONNECTIONS_END_MS)));
		this.ends.push({ how, log: await this.data.readLog(this.neighbours) });
		this.book.run++;
		return exit;
	}

	/** Stops everything gracefully, at the end of the round. */
	async stop(): Promise<void> {
		if (this.#members !== null) {
			await this.#members.stopAll();
			return judgeCluster(this, this.#members);
		}
		this.server.kill("SIGTERM");
		const exit = await this.ended("stopped");
		this.expect(exit.code === 0, `the stop at the end of the round ended with ${JSON.stringify(exit)}`);
	}

	/** The run from which a request has come. */
	runOf(request: Book["seen"][number]): number {
		return this.#members?.runOf(request) ?? request.run;
	}

	/** Starts another run on the same data. `server.ready()` resolves when it serves. */
	async begin(env: Record<string, string> = {}): Promise<void> {
		this.recovering();
		await this.server.begin({ ...this.world.env, ...env });
	}

	/** Records that deliveries are expected again. An earlier recovery without any delivery does not count. */
	recovering(): void {
		const last = this.recoveries.at(-1);
		if (last !== undefined && this.book.firstAt(last) === null) this.recoveries.pop();
		this.recoveries.push(Date.now());
	}

	async restart(env: Record<string, string> = {}): Promise<void> {
		await this.begin(env);
		await this.server.ready();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.memory?.[Symbol.dispose]();
		this.time[Symbol.dispose]();
		this.#senders?.[Symbol.dispose]();
		this.#server?.kill("SIGKILL");
		this.#server?.kill("SIGCONT");
		await this.#server?.exited;
		await this.#members?.[Symbol.asyncDispose]();
		for (const cleanUp of this.#cleanUps.toReversed()) await cleanUp();
		await Promise.all(this.#receivers.map((receiver) => receiver.close()));
		await this.canaries[Symbol.asyncDispose]();
		await this.data[Symbol.asyncDispose]();
		this.dir[Symbol.dispose]();
	}
}
