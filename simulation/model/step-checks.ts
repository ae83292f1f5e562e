// The checks after every step: small promises that must hold at any moment, read from the store without the engine.
import { projectScope } from "../../packages/server/src/core/access/principal.ts";
import { DELIVERY_STATUSES, type Delivery, type DeliveryStatus } from "../../packages/server/src/core/delivery.ts";
import { DEFAULT_LIMITS } from "../../packages/server/src/engine/parts.ts";
import type { Player } from "../history/player.ts";
import { OUTCOME_MS } from "./attempts.ts";
import { readDeliveries } from "./read-log.ts";

/** After a fault, a start or a step of the clock, some deliveries wait for the next poll of the store. */
const CALM_AFTER_MS = 60_000;
/** So much later than it is due may an attempt begin when everything is calm. */
const LATE_MS = 1_000;

type Known = Pick<Delivery, "status" | "attemptCount" | "eventId">;

export class StepChecks {
	readonly #player: Player;
	#known = new Map<string, Known>();
	/** The deliveries that are Pending. */
	#waiting: Delivery[] = [];
	/** The value of `World.changes` when the log was last read. */
	#changes = -1;

	constructor(player: Player) {
		this.#player = player;
	}

	async check(): Promise<void> {
		const { changes } = this.#player.world;
		if (changes !== this.#changes) await this.#readAll();
		this.#changes = changes;
		await this.#checkAcknowledged();
		await this.#player.audit.check();
		this.#player.bulkCounts.check();
		const { engines, keys, live, runs } = this.#player;
		for (const engine of engines) keys.check(engine);
		if (runs.every(({ store }) => store.idle)) live.check();
		this.#checkGauges();
		this.#checkWaiting();
		this.#checkOutcomes();
	}

	async #readAll(): Promise<void> {
		const { book, world } = this.#player;
		for (const text of world.invariants.broken()) world.breach("store", text);
		const found = new Map<string, Known>();
		this.#waiting = [];
		for (const { id } of book.projects.values()) {
			const deliveries = await readDeliveries(world.store, id);
			for (const delivery of deliveries) {
				found.set(delivery.id, delivery);
				this.#checkChange(delivery);
				if (delivery.status === "Pending") this.#waiting.push(delivery);
			}
			await this.#checkCounts(id, deliveries);
			await this.#player.customers.check(id, deliveries);
		}
		this.#checkGone(found);
		this.#known = found;
	}

	/** The changes that a delivery can make between two steps. */
	#checkChange(delivery: Delivery): void {
		const { id, status, attemptCount, webhookId } = delivery;
		const before = this.#known.get(id);
		if (before === undefined) return;
		const { book, world } = this.#player;
		const wrong = (text: string) => world.breach("wrong state", `${id} ${text}`);
		if (attemptCount < before.attemptCount) wrong(`has ${attemptCount} attempts, and had ${before.attemptCount}`);
		if (before.status === status) return;
		if (before.status === "Succeeded") wrong(`was Succeeded and is ${status}`);
		const isRetried = book.retried.has(id) || book.webhook(webhookId)?.retriedMany === true;
		if (before.status === "Cancelled" && !isRetried) wrong(`was Cancelled and is ${status}`);
		if (before.status === "Failed" && status !== "Succeeded" && !isRetried) wrong(`was Failed and is ${status}`);
	}

	/** Only retention deletes deliveries. */
	#checkGone(found: ReadonlyMap<string, Known>): void {
		const { book, world } = this.#player;
		for (const [id, { eventId }] of this.#known) {
			if (!found.has(id) && !book.purged.has(eventId)) world.breach("lost", `${id} is not in the log any more`);
		}
	}

	/** The counts by status, which are maintained by each write, agree with the log. */
	async #checkCounts(projectId: string, deliveries: readonly Delivery[]): Promise<void> {
		const { world } = this.#player;
		const told = await world.store.statusCounts(projectScope(projectId), null);
		const counted = new Map<DeliveryStatus, number>();
		for (const { status } of deliveries) counted.set(status, (counted.get(status) ?? 0) + 1);
		for (const status of DELIVERY_STATUSES) {
			const count = counted.get(status) ?? 0;
			if (told[status] !== count) {
				world.breach("stats", `${projectId} has ${count} ${status} deliveries, the counts say ${told[status]}`);
			}
		}
	}

	/** An acknowledged event is in the log at once, with a delivery for each webhook that wanted it. */
	async #checkAcknowledged(): Promise<void> {
		const { book, world } = this.#player;
		const ids = this.#player.acknowledged;
		this.#player.acknowledged = [];
		for (const id of ids) {
			const event = book.events.get(id);
			if (event === undefined || book.purged.has(id)) continue;
			const scope = projectScope(event.projectId);
			const stored = await world.store.event(scope, id);
			if (stored === null) world.breach("accepted", `${id} was acknowledged and is not in the log`);
			const deliveries = (await world.store.eventDeliveries(scope, id, event.wantedBy)) ?? [];
			const missing = event.wantedBy.filter((wanted) => !deliveries.some(({ webhookId }) => webhookId === wanted));
			if (missing.length > 0) world.breach("lost", `${id} was acknowledged without a delivery to ${missing.join()}`);
		}
	}

	#checkGauges(): void {
		const { runs, world } = this.#player;
		for (const { engine } of runs) {
			if (engine === null) continue;
			const { webhooks, ...numbers } = engine.gauges();
			for (const [name, value] of Object.entries({ ...numbers, ...webhooks })) {
				if (!(value >= 0)) world.breach("gauges", `${name} is ${value}`);
			}
		}
	}

	/**
	 * While everything is calm, a delivery that is due is attempted at once, unless its webhook has something in flight or a
	 * rate limit. Measured in monotonic time, so that a step of the clock is no excuse.
	 */
	#checkWaiting(): void {
		const { attempts, dueTimes, run, sharing, world } = this.#player;
		const now = world.clock.monotonicMs();
		const due = this.#waiting.map((delivery) => ({
			delivery,
			at: dueTimes.of(delivery.id, delivery.nextAttemptAt ?? 0, run.now()),
		}));
		const isCalm = now - world.disturbedAt > CALM_AFTER_MS && this.#player.isWorking;
		if (!isCalm || this.#player.isCrowded) return;
		const mayBeLateMs = LATE_MS + this.#findMs;
		for (const { delivery, at } of due) {
			const { id, webhookId, leaseUntil } = delivery;
			const lateMs = now - Math.max(at, world.disturbedAt + CALM_AFTER_MS);
			if (sharing.isLeasedByOther(id) && (leaseUntil ?? 0) > run.now() - mayBeLateMs) continue;
			if (lateMs <= mayBeLateMs || attempts.isBusy(webhookId) || this.#isLimited(webhookId)) continue;
			world.breach("stuck", `${id} to ${webhookId} has been due for ${Math.round(now - at)} ms, and nothing happens`);
		}
	}

	/** How long it can take until an engine finds in the store what another one has left there. */
	get #findMs(): number {
		const { limits, sharing } = this.#player.world.settings;
		if (sharing === null) return 0;
		const { findEveryMs, pollEveryMs } = { ...DEFAULT_LIMITS, ...limits };
		return findEveryMs ?? pollEveryMs;
	}

	/** While everything is calm, the outcome of each attempt is in the store soon after its end. */
	#checkOutcomes(): void {
		const { attempts, runs, world } = this.#player;
		const now = world.clock.monotonicMs();
		const isCalm = now - world.disturbedAt > CALM_AFTER_MS && this.#player.isWorking;
		const ms = Math.round(now - attempts.lastEndedAt);
		if (!isCalm || ms <= OUTCOME_MS) return;
		const waiting = runs.reduce((sum, { engine }) => sum + (engine?.gauges().inFlightAttempts ?? 0), 0);
		if (waiting === 0) return;
		world.breach(
			"stuck",
			`${waiting} outcomes are not in the store ${ms} ms after the last attempt, and nothing happens`,
		);
	}

	#isLimited(webhookId: string): boolean {
		const webhook = this.#player.book.webhook(webhookId);
		return webhook === undefined || webhook.rates.some(({ perSecond }) => perSecond !== null);
	}
}
