// Random stores in the form of version 0.1, with everything that the move of rows must keep. Each follows from a seed.
import type { DatabaseSync, SQLInputValue } from "node:sqlite";

import { between, pick, seededRandom, type Random } from "@fanfare/testkit/seeded-random";

import { newDelivery, newHeldDelivery, type DeliveryState } from "../../../../core/delivery.ts";
import { createIdMaker, type IdMaker, type IdPrefix } from "../../../../core/ids.ts";
import { stateValues, WRITTEN_STATE_COLUMNS } from "../../codec/delivery-rows.ts";
import { idBytes } from "../../codec/ids.ts";
import { migrate, readMigrations } from "../migrate.ts";

/** The migrations of version 0.1. */
const FORMER_MIGRATIONS = 9;
const BEGINNING = 1_790_000_000_000;
const TYPES = ["order.paid", "order.ünpaid", "user.created"];
const BODIES = ["", "ok", 'quotes " and \\ and \u0000 and ✓ and \u2028', "x".repeat(300)];

export interface FormerStoreOptions {
	/** How many things happen in it. */
	readonly size: number;
	/** The bytes of a body. */
	readonly bodyBytes?: number;
}

/** Fills an empty database. */
export function fillFormerStore(db: DatabaseSync, seed: number, options: FormerStoreOptions): void {
	migrate(db, 0, readMigrations().slice(0, FORMER_MIGRATIONS));
	db.exec("BEGIN");
	new FormerStore(db, seededRandom(seed), options).fill();
	db.exec("COMMIT");
}

interface Project {
	readonly id: Uint8Array;
	readonly webhooks: readonly Uint8Array[];
}

interface Sent {
	readonly id: Uint8Array;
	readonly project: Project;
	readonly type: string;
}

class FormerStore {
	readonly #db: DatabaseSync;
	readonly #random: Random;
	readonly #options: FormerStoreOptions;
	readonly #events: Sent[] = [];
	readonly #projects: Project[] = [];
	#ids: IdMaker;
	#now = BEGINNING;
	#keys = 0;

	constructor(db: DatabaseSync, random: Random, options: FormerStoreOptions) {
		this.#db = db;
		this.#random = random;
		this.#options = options;
		this.#ids = this.#newIds();
	}

	fill(): void {
		const projects = 1 + Math.floor(this.#random() * 3);
		for (let n = 0; n < projects; n++) this.#addProject();
		for (let n = 0; n < this.#options.size; n++) {
			this.#now += Math.floor(this.#random() * 3);
			this.#happen();
		}
		for (const owner of ["webhook_id", "project_id"]) {
			this.#db.exec(`
				INSERT INTO status_counts
				SELECT ${owner}, sum(status = 0), sum(status = 1), sum(status = 2), sum(status = 3), sum(status = 4)
				FROM deliveries GROUP BY ${owner}
			`);
		}
	}

	#happen(): void {
		const chance = this.#random();
		if (chance < 0.6) this.#send();
		else if (chance < 0.78) this.#replayOne();
		else if (chance < 0.84) this.#addReplay();
		else if (chance < 0.92) this.#purgeHalf();
		else if (chance < 0.95) this.#purge();
		else if (chance < 0.97) this.#rematch();
		else this.#restartEarlier();
	}

	/** The ids of a process. They ascend, until the clock is set back and another process begins. */
	#newIds(): IdMaker {
		return createIdMaker({
			randomize: (target) => {
				for (let at = 0; at < target.length; at++) target[at] = Math.floor(this.#random() * 256);
				return target;
			},
		});
	}

	#id(prefix: IdPrefix): Uint8Array {
		return idBytes(prefix, this.#ids.make(prefix, this.#now));
	}

	#insert(table: string, row: Readonly<Record<string, SQLInputValue>>): void {
		const names = Object.keys(row);
		const marks = names.map(() => "?").join(", ");
		this.#db.prepare(`INSERT INTO ${table} (${names.join(", ")}) VALUES (${marks})`).run(...Object.values(row));
	}

	#addProject(): void {
		const id = Buffer.from(Array.from({ length: 16 }, () => Math.floor(this.#random() * 256)));
		const deleteDate = this.#random() < 0.2 ? this.#now : null;
		this.#insert("projects", {
			id,
			workspace_id: Buffer.alloc(16),
			name: "p",
			create_date: this.#now,
			delete_date: deleteDate,
		});
		const count = Math.floor(this.#random() * 5) + (this.#projects.length === 0 ? 1 : 0);
		const webhooks = Array.from({ length: count }, () => this.#addWebhook(id));
		this.#projects.push({ id, webhooks });
	}

	#addWebhook(project: Uint8Array): Uint8Array {
		const id = this.#id("webhook");
		this.#insert("webhooks", {
			id,
			project_id: project,
			name: "w",
			endpoint: "https://example.com/",
			max_retries: 3,
			max_backoff_ms: 1_000,
			timeout_ms: 1_000,
			metadata: "{}",
			status: Math.floor(this.#random() * 3),
			header_names: "[]",
			secret_hint: "",
			create_date: this.#now,
			update_date: this.#now,
			delete_date: this.#random() < 0.2 ? this.#now : null,
		});
		return id;
	}

	#send(): void {
		const project = pick(this.#random, this.#projects);
		const id = this.#id("evt");
		const targets = project.webhooks.filter(() => this.#random() < 0.6);
		const event = { id, project, type: pick(this.#random, TYPES) };
		this.#insertEvent(event, targets.length);
		for (const webhook of targets) this.#addDelivery(event, webhook);
	}

	#insertEvent({ id, project, type }: Sent, deliveryCount: number): void {
		const { bodyBytes = 1 + Math.floor(this.#random() * 60) } = this.#options;
		// As that version did, except for a few events whose date and id differ, to be sure.
		const createDate = Buffer.from(id).readUIntBE(0, 6) - (this.#random() < 0.05 ? 7 : 0);
		this.#insert("events", {
			id,
			project_id: project.id,
			type,
			timestamp: this.#now - 5,
			create_date: createDate,
			delivery_count: deliveryCount,
			body: this.#random() < 0.1 ? new Uint8Array(0) : Buffer.alloc(bodyBytes, "b"),
		});
		this.#events.push({ id, project, type });
		if (this.#random() < 0.3) this.#addKey(project, id, createDate);
	}

	#addKey(project: Project, event: Uint8Array, createDate: number): void {
		const key = `key "${this.#keys++}" ✓`;
		const fingerprint = Buffer.alloc(32, this.#keys);
		this.#insert("idempotency_keys", {
			project_id: project.id,
			key,
			fingerprint,
			event_id: event,
			create_date: createDate,
		});
	}

	#addDelivery({ id: eventId, project, type }: Sent, webhook: Uint8Array): void {
		const id = this.#id("dlv");
		const state = this.#state();
		this.#insert("deliveries", {
			id,
			project_id: project.id,
			webhook_id: webhook,
			event_id: eventId,
			event_type: type,
			update_date: this.#now + Math.floor(this.#random() * 5),
			...Object.fromEntries(WRITTEN_STATE_COLUMNS.map((column, index) => [column, stateValues(state)[index] ?? null])),
		});
		for (let n = 1; n <= state.attemptCount; n++) this.#addAttempt(id, n);
	}

	#state(): DeliveryState {
		const random = this.#random;
		const at = this.#now + Math.floor(between(random, -5, 50));
		const leased = random() < 0.3 ? at + 60_000 : null;
		const attemptCount = Math.floor(random() * 4);
		const tried = { attemptCount, autoAttemptCount: attemptCount, responseCode: attemptCount === 0 ? null : 500 };
		switch (Math.floor(random() * 6)) {
			case 0:
				return newDelivery(at, leased, random() < 0.2 ? "replay" : "auto");
			case 1:
				return { ...newDelivery(at, leased, "manual"), ...tried, reason: "it broke", scheduleResumesAt: at + 9 };
			case 2:
				return { ...newHeldDelivery("paused"), ...tried };
			case 3:
				return { ...newHeldDelivery("gone"), ...tried, status: "Failed" };
			case 4:
				return { ...newHeldDelivery("by hand"), ...tried, status: "Cancelled" };
			default: {
				const succeeded = { attemptCount: attemptCount + 1, autoAttemptCount: 1, responseCode: 200 + attemptCount };
				return { ...newHeldDelivery("-"), ...succeeded, status: "Succeeded", reason: null };
			}
		}
	}

	#addAttempt(delivery: Uint8Array, number: number): void {
		const hasResponse = this.#random() < 0.8;
		this.#insert("attempts", {
			delivery_id: delivery,
			number,
			id: this.#id("atm"),
			trigger: Math.floor(this.#random() * 3),
			start_date: this.#now,
			duration_ms: Math.floor(this.#random() * 100),
			response_code: hasResponse ? 200 : 0,
			error: hasResponse ? null : "refused",
			reason: hasResponse ? null : 'it said "no"',
			request_headers: JSON.stringify({ "webhook-id": "evt_1", "x-n": `é ${number}` }),
			response_headers: hasResponse ? JSON.stringify({ server: "x" }) : null,
			response_body: hasResponse ? pick(this.#random, BODIES) : null,
			response_body_truncated: hasResponse ? Math.floor(this.#random() * 2) : null,
		});
	}

	/** A replay makes a delivery for an earlier event. */
	#replayOne(): void {
		if (this.#events.length === 0) return;
		const event = this.#random() < 0.5 ? this.#events.at(-1)! : pick(this.#random, this.#events);
		if (event.project.webhooks.length > 0) this.#addDelivery(event, pick(this.#random, event.project.webhooks));
	}

	#addReplay(): void {
		const project = pick(this.#random, this.#projects);
		if (project.webhooks.length === 0) return;
		const position = this.#random() < 0.7 && this.#events.length > 0 ? pick(this.#random, this.#events).id : null;
		this.#insert("replays", {
			id: this.#id("replay"),
			project_id: project.id,
			webhook_id: pick(this.#random, project.webhooks),
			since: BEGINNING,
			until: this.#now,
			outcomes: '["Failed"]',
			status: Math.floor(this.#random() * 3),
			scanned_count: 3,
			delivery_count: 1,
			first_event_date: BEGINNING,
			last_event_date: this.#now,
			position,
			update_date: this.#now,
			end_date: null,
		});
	}

	/** Retention has deleted some deliveries of an event, and was then stopped. */
	#purgeHalf(): void {
		const event = this.#random() < 0.5 ? this.#events[0] : this.#events.at(-1);
		if (event === undefined) return;
		for (const { id } of this.#db
			.prepare("SELECT id FROM deliveries WHERE event_id = ? AND status > 0")
			.all(event.id)) {
			if (this.#random() < 0.5) this.#remove(id as Uint8Array);
		}
	}

	/** Retention has deleted an event. Its key stays for a while. */
	#purge(): void {
		const event = this.#events.shift();
		if (event === undefined) return;
		for (const { id } of this.#db.prepare("SELECT id FROM deliveries WHERE event_id = ?").all(event.id)) {
			this.#remove(id as Uint8Array);
		}
		this.#db.prepare("DELETE FROM events WHERE id = ?").run(event.id);
	}

	#remove(delivery: Uint8Array): void {
		this.#db.prepare("DELETE FROM attempts WHERE delivery_id = ?").run(delivery);
		this.#db.prepare("DELETE FROM deliveries WHERE id = ?").run(delivery);
	}

	/** An event whose deliveries were made again later, so that they don't follow it directly. */
	#rematch(): void {
		const project = pick(this.#random, this.#projects);
		const event = { id: this.#id("evt"), project, type: pick(this.#random, TYPES) };
		this.#insertEvent(event, project.webhooks.length);
		this.#send();
		for (const webhook of project.webhooks) this.#addDelivery(event, webhook);
	}

	/** The clock is set back, and another process makes ids below those that are stored. */
	#restartEarlier(): void {
		this.#now -= Math.floor(this.#random() * 20);
		this.#ids = this.#newIds();
	}
}
