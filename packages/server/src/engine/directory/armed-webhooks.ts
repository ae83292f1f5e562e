// The webhooks as attempts need them, with secrets and headers unsealed: those used last, within a bound that projects share. The others
// are read from the store when an attempt is made.
import type { ArmedWebhook } from "../../core/webhook.ts";
import type { DirectoryStore, WebhookRecord } from "../../ports/store/directory.ts";
import type { PartsOn } from "../parts.ts";
import { armRecord } from "./sealed-webhook.ts";
import { SharedLru } from "./shared-lru.ts";
import type { KnownWebhook } from "./webhook-table.ts";

type Parts = Pick<PartsOn<Pick<DirectoryStore, "webhookRecords">>, "store" | "sealer">;

/** The most bytes of memory that the webhooks take, as `sizeOf` counts them: enough for about 50,000 that are small. */
const MAX_BYTES = 64 * 1_024 * 1_024;
/** Resident memory of a webhook with one secret, without its headers: 1.2 KB, measured with 100,000 of them. */
const BASE_BYTES = 1_200;
/** The most webhooks in one call of the store. The largest take 25 KB each. */
const READ_STEP = 100;

interface Reading {
	readonly promise: Promise<ArmedWebhook | null>;
	readonly resolve: (webhook: ArmedWebhook | null) => void;
	readonly reject: (error: unknown) => void;
}

/**
 * An LRU cache, in which the project that has most loses first. The states of a webhook here:
 *
 *     absent ──read──▶ being read ──▶ known ──least recently used──▶ absent
 *
 * - being read: all callers share one read, and go on in the order in which they came. `get` finds nothing until the last of
 *   them goes on, so that no later attempt overtakes one that waits.
 * - known: `get` finds it, unless the caller knows of a newer revision.
 *
 * Webhooks that are missed in the same turn are read in one call of the store.
 */
export class ArmedWebhooks {
	readonly #parts: Parts;
	readonly #known = new SharedLru<ArmedWebhook>({ maxEntries: Infinity, maxSize: MAX_BYTES });
	readonly #reading = new Map<string, Reading>();
	/** The next ones to read. */
	#missed: string[] = [];

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	/** The webhook with this revision or a newer one, if it need not be read. */
	get({ id, projectId, revision }: Pick<KnownWebhook, "id" | "projectId" | "revision">): ArmedWebhook | undefined {
		if (this.#reading.size > 0 && this.#reading.has(id)) return undefined;
		const known = this.#known.get(projectId, id);
		return known !== undefined && known.revision >= revision ? known : undefined;
	}

	/**
	 * Reads a webhook; null if there is none. The result can be older than a change that was made meanwhile. Rejects if the
	 * store fails. Await this very promise: one that is derived from it may be overtaken.
	 */
	read(webhookId: string): Promise<ArmedWebhook | null> {
		const known = this.#reading.get(webhookId);
		if (known !== undefined) return known.promise;
		const reading: Reading = Promise.withResolvers<ArmedWebhook | null>();
		this.#reading.set(webhookId, reading);
		// The first reaction to the promise: those who wait go on right after it, before any later caller.
		const ended = () => void this.#reading.delete(webhookId);
		reading.promise.then(ended, ended);
		this.#missed.push(webhookId);
		if (this.#missed.length === 1) void Promise.resolve().then(() => this.#readMissed());
		return reading.promise;
	}

	/** Takes over a change, if the webhook is in use. */
	put(record: WebhookRecord): void {
		const known = this.#known.peek(record.projectId, record.id);
		if (known === undefined || known.revision > record.revision) return;
		this.#keep(armRecord(record, this.#parts.sealer));
	}

	/** Forgets a webhook that has no deliveries any more. */
	forget({ id, projectId }: Pick<KnownWebhook, "id" | "projectId">): void {
		this.#known.delete(projectId, id);
	}

	#keep(webhook: ArmedWebhook): void {
		this.#known.set(webhook.projectId, webhook.id, webhook, sizeOf(webhook));
	}

	#readMissed(): void {
		const missed = this.#missed;
		this.#missed = [];
		for (let at = 0; at < missed.length; at += READ_STEP) {
			const step = missed.slice(at, at + READ_STEP);
			this.#parts.store.webhookRecords(step).then(
				(records) => this.#received(step, records),
				(error: unknown) => {
					for (const webhookId of step) this.#reading.get(webhookId)?.reject(error);
				},
			);
		}
	}

	#received(webhookIds: readonly string[], records: readonly WebhookRecord[]): void {
		const byId = new Map(records.map((record) => [record.id, record]));
		for (const webhookId of webhookIds) {
			const reading = this.#reading.get(webhookId);
			const record = byId.get(webhookId);
			try {
				const armed = record === undefined ? null : armRecord(record, this.#parts.sealer);
				if (armed !== null) this.#keep(armed);
				reading?.resolve(armed);
			} catch (error) {
				// It can't be unsealed. The others can.
				reading?.reject(error);
			}
		}
	}
}

/** About how many bytes of memory a webhook takes. */
function sizeOf({ endpoint, headers, retries, signingKeys }: ArmedWebhook): number {
	let size = BASE_BYTES + endpoint.length + 16 * (retries.scheduleMs?.length ?? 0) + 500 * (signingKeys.length - 1);
	for (const [name, value] of Object.entries(headers)) size += 2 * name.length + value.length + 100;
	return Math.max(1, size);
}
