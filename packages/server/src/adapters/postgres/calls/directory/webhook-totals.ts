// How many webhooks each project has and how much is written into them, kept in the transaction of each change, and their limits.
import type { WebhookLimits } from "../../../../core/webhook.ts";
import type { ProjectOverLimits, WebhookRefusal } from "../../../../ports/store/directory.ts";
import { idOf, uuidOf } from "../../codec/ids.ts";
import { number, text } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";

/** Thrown to undo a transaction; `refusing` turns it into a result. */
export class Refusal extends Error {
	readonly reason: WebhookRefusal;

	constructor(reason: WebhookRefusal) {
		super("the webhook is refused");
		this.reason = reason;
	}
}

/** Makes a change in a project, or undoes it and returns why it is refused. */
export async function refusing<T>(
	database: Database,
	projectId: string,
	work: (session: Session) => Promise<T>,
): Promise<T | WebhookRefusal> {
	try {
		return await database.change(uuidOf("proj", projectId), work);
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

export const NOTHING_COUNTED: Counted = { webhooks: 0, bytes: 0 };

const SELECT_COUNTED = statement("SELECT written_bytes FROM webhooks WHERE id = $1 AND delete_date IS NULL");
const ADD = statement(`
	UPDATE projects SET webhook_count = webhook_count + $1, webhook_bytes = webhook_bytes + $2 WHERE id = $3
	RETURNING webhook_count, webhook_bytes
`);

/** What a webhook counts as: nothing if it is deleted or unknown. */
export async function counted(session: Session, webhook: string | null): Promise<Counted> {
	const [row] = await session.run(SELECT_COUNTED, [webhook]);
	return row === undefined ? NOTHING_COUNTED : { webhooks: 1, bytes: number(row["written_bytes"]) };
}

/** Counts a change, in its transaction and inside of `refusing`: throws if the project has grown beyond its limits. */
export async function recount(
	session: Session,
	project: string | null,
	[before, after]: readonly [Counted, Counted],
	limits: WebhookLimits | undefined,
): Promise<void> {
	const webhooks = after.webhooks - before.webhooks;
	const bytes = after.bytes - before.bytes;
	if (webhooks === 0 && bytes === 0) return;
	const [totals] = await session.run(ADD, [webhooks, bytes, project]);
	if (limits === undefined) return;
	if (webhooks > 0 && number(totals?.["webhook_count"]) > limits.maxWebhooks) throw new Refusal("too_many_webhooks");
	if (bytes > 0 && number(totals?.["webhook_bytes"]) > limits.maxWebhookBytes) throw new Refusal("webhooks_too_large");
}

const OVER = "delete_date IS NULL AND (webhook_count > $1 OR webhook_bytes > $2)";
const SELECT_OVER = statement(`
	SELECT id, webhook_count, webhook_bytes FROM projects WHERE ${OVER}
	ORDER BY create_date, id LIMIT $3
`);
const COUNT_OVER = statement(`SELECT count(*) AS count FROM projects WHERE ${OVER}`);

export interface OverLimits {
	readonly projects: readonly ProjectOverLimits[];
	readonly count: number;
}

/** The call `projectsOverLimits`. */
export function createProjectsOverLimits(database: Database) {
	return ({ maxWebhooks, maxWebhookBytes }: WebhookLimits, limit: number): Promise<OverLimits> =>
		database.snapshot(async (session) => {
			// Infinity is no bigint.
			const most = [maxWebhooks, maxWebhookBytes].map((value) => Math.min(value, Number.MAX_SAFE_INTEGER));
			const [rows, [count]] = await Promise.all([
				session.run(SELECT_OVER, [...most, limit]),
				session.run(COUNT_OVER, most),
			]);
			return {
				projects: rows.map((row) => ({
					projectId: idOf("proj", text(row["id"])),
					webhooks: number(row["webhook_count"]),
					webhookBytes: number(row["webhook_bytes"]),
				})),
				count: number(count?.["count"]),
			};
		});
}
