// Whose stats are read: a project, or webhooks of it.
import { customerOf, projectOf, type Scope } from "../../../../core/access/principal.ts";
import { uuidOf, uuidsOf } from "../../codec/ids.ts";
import { text } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Session } from "../../connection/session.ts";

/** Rows of the tables have one of `owners`; those of the journal have the project, and one of `webhooks` unless it is null. */
export interface Owners {
	readonly project: string;
	readonly owners: readonly string[];
	/** Null: the project is the owner. */
	readonly webhooks: readonly string[] | null;
}

const SELECT = statement(`
	SELECT id FROM webhooks
	WHERE project_id = $1 AND ($2::uuid[] IS NULL OR id = ANY($2::uuid[])) AND ($3::text IS NULL OR customer_id = $3)
`);

/**
 * Finds the owners whose stats are summed up; null if there are none. `webhookIds` is null for the whole scope: a customer has the sum
 * of its webhooks, deleted ones too.
 */
export async function readOwners(
	session: Session,
	scope: Scope,
	webhookIds: readonly string[] | null,
): Promise<Owners | null> {
	const project = uuidOf("proj", projectOf(scope));
	const customer = customerOf(scope);
	if (project === null) return null;
	if (webhookIds === null && customer === null) return { project, owners: [project], webhooks: null };
	const wanted = webhookIds === null ? null : uuidsOf("webhook", webhookIds);
	const webhooks = (await session.run(SELECT, [project, wanted, customer])).map((row) => text(row["id"]));
	return webhooks.length === 0 ? null : { project, owners: webhooks, webhooks };
}
