// Many relays in many projects: their clients, what is sent to them, and the record of it for the checks.
import { setTimeout as delay } from "node:timers/promises";

import { utils, type ProjectHandle } from "@fanfare/sdk";
import { checkAll } from "@fanfare/testkit/checks/all";
import type { Acknowledged, ListedStats, RoundRecord } from "@fanfare/testkit/checks/record";
import { eventually } from "@fanfare/testkit/eventually";
import { between, pick, type Random } from "@fanfare/testkit/seeded-random";

import { askProject, type ServerAnswers } from "../../collect.ts";
import type { Round } from "../../round.ts";
import { RelayCrowdClient } from "./relay-crowd-client.ts";

const SECRETS = 2;
const AT_ONCE = 20;
const DROPS = 10;
const DROP_EVERY_MS = 100;
/** After ten seconds, a relay counts as away, and its deliveries are Held. */
const LONG_AWAY_MS = 12_000;
const LONG_AWAY_SHARE = 0.02;
/** A client that never answers is asked three times, and then again after the first delay of the retries. */
const ENDED_WITHIN_MS = 120_000;

/** A project, with the only type of its events, which each of its relays gets. */
interface CrowdProject {
	readonly id: string;
	readonly eventType: string;
}

export class RelayCrowd {
	readonly #round: Round;
	readonly #random: Random;
	readonly #projects: CrowdProject[] = [];
	readonly #clients: RelayCrowdClient[] = [];
	readonly #acknowledged: Acknowledged[] = [];
	#answers: readonly ServerAnswers[] = [];
	#n = 0;

	constructor(round: Round) {
		this.#round = round;
		this.#random = round.random("relays");
		round.onEnd(() => this.stop());
		round.checks.push(async () => checkAll(await this.#record()));
	}

	/** Makes the projects, and connects the clients of their relays. */
	async open(projects: number, relaysOfEach: number): Promise<void> {
		const round = this.#round;
		// Few, since each of them is looked for everywhere.
		const secrets = Array.from({ length: SECRETS }, () => utils.generateWebhookSecret());
		for (const [n, secret] of secrets.entries()) {
			round.hiddenValues.set(`secret ${n} of the relays`, Buffer.from(secret.replace(/^whsec_/, ""), "base64"));
		}
		const all: (() => RelayCrowdClient)[] = [];
		for (let n = 0; n < projects; n++) {
			const { id: projectId } = await round.client.projects.create({ name: `relays ${n}` });
			const secret = pick(this.#random, secrets);
			round.neighbours.push(projectId);
			const eventType = `relayed.${n}`;
			this.#projects.push({ id: projectId, eventType });
			for (let m = 0; m < relaysOfEach; m++) {
				all.push(() => new RelayCrowdClient({ round, projectId, device: `device ${n}.${m}`, secret, eventType }));
			}
		}
		for (let from = 0; from < all.length; from += AT_ONCE) {
			const some = all.slice(from, from + AT_ONCE).map((make) => make());
			this.#clients.push(...some);
			await Promise.all(some.map((client) => client.connected()));
		}
	}

	/** Sends events to each project. */
	async send(eventsOfEach: number): Promise<void> {
		for (let n = 0; n < eventsOfEach; n++) await Promise.all(this.#projects.map((project) => this.#send(project)));
	}

	/** Clients lose their connections until the signal; some stay away for so long that their deliveries are Held. */
	async drop(signal: AbortSignal): Promise<void> {
		while (!signal.aborted) {
			for (let n = 0; n < DROPS; n++) {
				const isLong = this.#random() < LONG_AWAY_SHARE;
				pick(this.#random, this.#clients).cut(isLong ? LONG_AWAY_MS : 0);
			}
			await delay(between(this.#random, 0, DROP_EVERY_MS));
		}
	}

	/** Waits until no delivery waits any more. The checks report those that still do. */
	async ended(): Promise<void> {
		const giveUpAt = Date.now() + ENDED_WITHIN_MS;
		for (const { id } of this.#projects) {
			// Both at once: a Held one is Pending again when its relay comes back.
			const waiting = { status: ["Pending", "Held"], limit: 1 } as const;
			const isOver = async () => (await this.#project(id).deliveries.list(waiting)).data.length === 0;
			const leftMs = Math.max(0, giveUpAt - Date.now());
			await eventually("the deliveries of relays to end", isOver, leftMs).catch(() => null);
		}
		const { world, hasStats } = this.#round;
		const answers: ServerAnswers[] = [];
		for (const { id } of this.#projects) answers.push(await askProject(this.#project(id), world.now(), hasStats));
		this.#answers = answers;
	}

	async stop(): Promise<void> {
		await Promise.all(this.#clients.map((client) => client.stop()));
	}

	/**
	 * The record for the checks, when the server has stopped. No end of a process explains a repeat: a request that comes again after it
	 * has the same id, so the SDK repeats its answer.
	 */
	async #record(): Promise<RoundRecord> {
		const round = this.#round;
		const own = new Set(this.#projects.map(({ id }) => id));
		const without = [round.projectId, ...round.neighbours.filter((id) => !own.has(id))];
		const some = this.#answers;
		return {
			acknowledged: this.#acknowledged,
			purged: new Set(),
			webhooks: this.#clients.map(({ record }) => record),
			moreSuccesses: new Map(),
			seen: this.#clients.flatMap(({ seen }) => seen),
			ends: [],
			stored: await round.data.readLog(without),
			listedEvents: some.flatMap(({ listedEvents }) => listedEvents),
			listed: some.flatMap(({ listed }) => listed),
			stats: round.hasStats ? sumOf(some.flatMap(({ stats }) => stats ?? [])) : null,
			listedAt: some[0]?.listedAt ?? 0,
			maxInFlight: round.maxInFlight,
			clockJumps: 0,
			onTheWayMs: 0,
			blockedReached: 0,
			// Those of the relays are looked for with the others.
			secretsFound: [],
			peakMb: 0,
			maxMb: round.maxMb,
			promptWithinMs: null,
			usableMs: (from, to) => to - from,
		};
	}

	async #send({ id, eventType: type }: CrowdProject): Promise<void> {
		const n = ++this.#n;
		const sentAt = Date.now();
		const event = await this.#project(id).events.send({ type, data: { n }, idempotencyKey: `relayed-${n}` });
		this.#acknowledged.push({ eventId: event.id, type, n, webhookIds: null, sentAt, acknowledgedAt: Date.now() });
	}

	#project(id: string): ProjectHandle {
		return this.#round.client.project(id);
	}
}

function sumOf(all: readonly ListedStats[]): ListedStats {
	const sum = (valueOf: (stats: ListedStats) => number) => all.reduce((total, stats) => total + valueOf(stats), 0);
	return {
		accepted: sum(({ accepted }) => accepted),
		attemptsSucceeded: sum(({ attemptsSucceeded }) => attemptsSucceeded),
		attemptsFailed: sum(({ attemptsFailed }) => attemptsFailed),
		succeeded: sum(({ succeeded }) => succeeded),
		byStatus: {
			Pending: sum(({ byStatus }) => byStatus.Pending),
			Succeeded: sum(({ byStatus }) => byStatus.Succeeded),
			Failed: sum(({ byStatus }) => byStatus.Failed),
			Held: sum(({ byStatus }) => byStatus.Held),
			Cancelled: sum(({ byStatus }) => byStatus.Cancelled),
		},
	};
}
