// The versions of webhooks: where a webhook was called and what it wanted, from one of its revisions on. Attempts name the revision.
import type { WebhookRecord } from "../../../../ports/store/directory.ts";
import { uuidOf } from "../../codec/ids.ts";
import { statement } from "../../codec/statements.ts";
import type { Session } from "../../connection/session.ts";

/** The versions of one webhook that are kept. */
const MAX_VERSIONS = 100;

const SELECT_NEWEST = statement(
	"SELECT endpoint, event_types FROM webhook_versions WHERE webhook_id = $1 ORDER BY revision DESC LIMIT 1",
);
const INSERT = statement(`
	INSERT INTO webhook_versions (webhook_id, revision, endpoint, event_types, create_date) VALUES ($1, $2, $3, $4, $5)
`);
const DELETE_OLDEST = statement(`
	DELETE FROM webhook_versions WHERE webhook_id = $1 AND revision <= (
		SELECT revision FROM webhook_versions WHERE webhook_id = $1 ORDER BY revision DESC LIMIT 1 OFFSET ${MAX_VERSIONS}
	)
`);

type Versioned = Pick<WebhookRecord, "id" | "endpoint" | "eventTypes" | "updateDate" | "revision">;

/**
 * Writes a version, if the endpoint or the event types differ from the newest one. Call it in the transaction that writes the webhook.
 * Of a webhook that is changed all the time, the oldest versions go.
 */
export async function writeVersion(
	session: Session,
	{ id, endpoint, eventTypes, updateDate, revision }: Versioned,
): Promise<void> {
	const webhook = uuidOf("webhook", id);
	const types = eventTypes === null ? null : JSON.stringify(eventTypes);
	const [row] = await session.run(SELECT_NEWEST, [webhook]);
	if (row !== undefined && row["endpoint"] === endpoint && row["event_types"] === types) return;
	await session.run(INSERT, [webhook, revision, endpoint, types, updateDate]);
	await session.run(DELETE_OLDEST, [webhook]);
}
