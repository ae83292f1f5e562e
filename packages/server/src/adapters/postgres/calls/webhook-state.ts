// What decides about the deliveries of webhooks: shared by the calls that make deliveries or change their state.
import type { WebhookState } from "../../../core/webhook.ts";
import { binaryArray } from "../codec/arrays.ts";
import { boolean, text } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import { WEBHOOK_STATE, webhookColumns } from "../codec/webhook-rows.ts";
import type { Session } from "../connection/session.ts";

/** A webhook's state, and whether it belonged to a customer that was deleted. */
export interface KnownWebhook extends WebhookState {
	readonly isErased: boolean;
}

const SELECT = statement(`
	SELECT id, erased, ${webhookColumns(WEBHOOK_STATE)} FROM webhooks WHERE id = ANY($1::uuid[])
`);

/** The webhooks that exist among these, by UUID. They stay as they are if their projects are locked before: see `shareProjects`. */
export async function readWebhooks(session: Session, webhooks: readonly string[]): Promise<Map<string, KnownWebhook>> {
	if (webhooks.length === 0) return new Map();
	const rows = await session.run(SELECT, [binaryArray("uuid", webhooks)]);
	return new Map(
		rows.map((row) => [text(row["id"]), { ...WEBHOOK_STATE.read(row), isErased: boolean(row["erased"]) }]),
	);
}
