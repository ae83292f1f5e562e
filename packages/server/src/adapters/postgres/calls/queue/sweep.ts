// Sweeps: bring the waiting deliveries of a webhook into the state that follows from the webhook, in steps.
import { transition } from "../../../../core/delivery.ts";
import { sweepChange, type SweepChange } from "../../../../core/webhook.ts";
import { StoreLockedError } from "../../../../ports/store/errors.ts";
import type { SweepStep, WebhooksToSweep } from "../../../../ports/store/queue.ts";
import { STATUS_CODES } from "../../codec/delivery-rows.ts";
import { FIRST_UUID, idOf, uuidOf } from "../../codec/ids.ts";
import { boolean, text } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import { DELETE_DATE, WEBHOOK_STATUS_CODES, webhookId } from "../../codec/webhook-rows.ts";
import type { Database } from "../../connection/database.ts";
import { isLocked } from "../../connection/errors.ts";
import { shareProjects, waitAtMost } from "../../connection/locks.ts";
import type { Session } from "../../connection/session.ts";
import type { ChangeNumbers } from "../../deliveries/change-numbers.ts";
import { DeliverySet } from "../../deliveries/delivery-set.ts";
import { StatsChanges } from "../../stats/journal.ts";
import { hasRow } from "../log/source.ts";
import { readWebhooks } from "../webhook-state.ts";

const { Pending, Held } = STATUS_CODES;
const SELECT_PROJECT = statement("SELECT project_id FROM webhooks WHERE id = $1");
const select = (condition: string, order: string) =>
	statement(`SELECT id FROM open_deliveries WHERE webhook_id = $1 AND ${condition} ORDER BY ${order} LIMIT $2`);
const SELECT_PENDING = select("due_at IS NOT NULL", "due_at, id");
const SELECT_HELD = select(`status = ${Held}`, "id");
/** What each change of a sweep applies to: Pending ones, the earliest due first, and then Held ones, the oldest first. */
const SELECT: Readonly<Record<SweepChange["type"], readonly (typeof SELECT_HELD)[]>> = {
	hold: [SELECT_PENDING],
	resume: [SELECT_HELD],
	cancel: [SELECT_PENDING, SELECT_HELD],
};

/** The call `sweepWebhook`. */
export function createSweepWebhook(database: Database, numbers: ChangeNumbers) {
	return async (webhook: string, at: number, limit: number, lockWaitMs?: number): Promise<SweepStep> => {
		const step = database.transact(async (session) => {
			if (lockWaitMs !== undefined) waitAtMost(session, lockWaitMs);
			const id = uuidOf("webhook", webhook);
			const state = id === null ? null : await lockWebhook(session, id);
			const change = sweepChange(state, at);
			const deliveries = new DeliverySet(numbers);
			const stats = new StatsChanges();
			const found: string[] = [];
			for (const selectSome of SELECT[change.type]) {
				if (id === null || found.length === limit) break;
				const rows = await session.run(selectSome, [id, limit - found.length]);
				found.push(...rows.map((row) => text(row["id"])));
			}
			// Locked in the order of ids, whatever the order in which they are due. Some may have ended meanwhile.
			await deliveries.load(session, found);
			let count = 0;
			for (const entry of deliveries.entries) {
				const { row } = entry;
				const after = transition(row.state, change);
				if (after === row.state) continue;
				deliveries.change(entry, after, at);
				stats.moved(row, at, row.state.status, after.status);
				count += 1;
			}
			deliveries.write(session);
			stats.write(session);
			return { change, count, done: found.length < limit };
		});
		return step.catch((error: unknown) => {
			throw lockWaitMs !== undefined && isLocked(error) ? new StoreLockedError({ cause: error }) : error;
		});
	};
}

/** The webhook, which stays as it is until the transaction ends; null if there is none. */
async function lockWebhook(session: Session, id: string) {
	const [row] = await session.run(SELECT_PROJECT, [id]);
	if (row === undefined) return null;
	await shareProjects(session, [text(row["project_id"])]);
	return (await readWebhooks(session, [id])).get(id) ?? null;
}

const waiting = (status: number) => hasRow(`open_deliveries d WHERE d.webhook_id = page.id AND d.status = ${status}`);
/** One or two looks into an index for each webhook, however many deliveries wait. */
const SELECT_TO_SWEEP = statement(`
	SELECT page.id, (
		(is_deleted OR NOT is_enabled) AND ${waiting(Pending)} OR (is_deleted OR is_enabled) AND ${waiting(Held)}
	) AS to_sweep
	FROM (
		SELECT id, ${DELETE_DATE} IS NOT NULL AS is_deleted, status = ${WEBHOOK_STATUS_CODES.Enabled} AS is_enabled
		FROM webhooks WHERE id > $1 ORDER BY id LIMIT $2
	) page ORDER BY page.id
`);

/** The call `webhooksToSweep`. */
export function createWebhooksToSweep(database: Database) {
	return (after: string | null, limit: number): Promise<WebhooksToSweep> =>
		database.read(async (session) => {
			const place = after === null ? FIRST_UUID : uuidOf("webhook", after);
			const rows = await session.run(SELECT_TO_SWEEP, [place, limit]);
			const last = rows.length < limit ? undefined : rows.at(-1);
			return {
				webhookIds: rows.filter((row) => boolean(row["to_sweep"])).map(webhookId),
				next: last === undefined ? null : idOf("webhook", text(last["id"])),
			};
		});
}
