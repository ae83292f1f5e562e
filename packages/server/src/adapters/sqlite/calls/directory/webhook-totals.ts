// How many webhooks each project has and how much is written into them, kept in the transaction of each change, and their limits.
import type { DatabaseSync } from "node:sqlite";

import type { WebhookLimits } from "../../../../core/webhook.ts";
import type { ProjectOverLimits, WebhookRefusal } from "../../../../ports/store/directory.ts";
import { idText } from "../../codec/ids.ts";
import { countOf, number, rowId } from "../../codec/rows.ts";
import type { Transact } from "../../connection.ts";

/** Thrown to undo a transaction; `refusing` turns it into a result. */
export class Refusal extends Error {
	readonly reason: WebhookRefusal;

	constructor(reason: WebhookRefusal) {
		super("the webhook is refused");
		this.reason = reason;
	}
}

/** Makes a change, or undoes it and returns why it is refused. */
export function refusing<T>(transact: Transact, work: () => T): T | WebhookRefusal {
	try {
		return transact(work);
	} catch (error) {
		if (error instanceof Refusal) return error.reason;
		throw error;
	}
}

/** What a webhook counts as, alone. */
export interface Counted {
	readonly webhooks: 0 | 1;
	readonly bytes: number;
}

const NOTHING: Counted = { webhooks: 0, bytes: 0 };

/** Prepares the reading of what a webhook counts as: nothing if it is deleted or unknown. */
export function createCounted(db: DatabaseSync): (webhookId: Uint8Array) => Counted {
	const select = db.prepare("SELECT written_bytes FROM webhooks WHERE id = ? AND delete_date IS NULL");
	return (webhookId) => {
		const row = select.get(webhookId);
		return row === undefined ? NOTHING : { webhooks: 1, bytes: number(row["written_bytes"]) };
	};
}

/**
 * Prepares the count of a change. Call the result in the transaction of the change, inside of `refusing`: it throws if the
 * project has grown beyond its limits. A project that has more than its limits may still shrink.
 */
export function createRecount(db: DatabaseSync) {
	const add = db.prepare(`
		UPDATE projects SET webhook_count = webhook_count + ?, webhook_bytes = webhook_bytes + ? WHERE id = ?
		RETURNING webhook_count, webhook_bytes
	`);
	return (projectId: Uint8Array, before: Counted, after: Counted, limits: WebhookLimits | undefined): void => {
		const webhooks = after.webhooks - before.webhooks;
		const bytes = after.bytes - before.bytes;
		if (webhooks === 0 && bytes === 0) return;
		const totals = add.get(webhooks, bytes, projectId);
		if (limits === undefined) return;
		if (webhooks > 0 && number(totals?.["webhook_count"]) > limits.maxWebhooks) throw new Refusal("too_many_webhooks");
		if (bytes > 0 && number(totals?.["webhook_bytes"]) > limits.maxWebhookBytes)
			throw new Refusal("webhooks_too_large");
	};
}

/** Prepares `projectsOverLimits`. */
export function createProjectsOverLimits(db: DatabaseSync) {
	const condition = "delete_date IS NULL AND (webhook_count > ? OR webhook_bytes > ?)";
	const select = db.prepare(`
		SELECT id, webhook_count, webhook_bytes FROM projects WHERE ${condition} ORDER BY create_date, id LIMIT ?
	`);
	const count = db.prepare(`SELECT count(*) AS count FROM projects WHERE ${condition}`);
	return ({ maxWebhooks, maxWebhookBytes }: WebhookLimits, limit: number) => ({
		projects: select.all(maxWebhooks, maxWebhookBytes, limit).map((row): ProjectOverLimits => ({
			projectId: idText("proj", rowId(row)),
			webhooks: number(row["webhook_count"]),
			webhookBytes: number(row["webhook_bytes"]),
		})),
		count: countOf(count.get(maxWebhooks, maxWebhookBytes)),
	});
}
