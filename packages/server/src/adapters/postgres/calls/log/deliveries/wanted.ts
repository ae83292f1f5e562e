// A filter of deliveries with the UUIDs of what it names, and what they mean for the scope that reads.
import { customerOf, projectOf, type Scope } from "../../../../../core/access/principal.ts";
import { deliveryIdAt } from "../../../../../core/ids.ts";
import type { DeliveryFilter } from "../../../../../ports/store/log.ts";
import { idOf, uuidOf } from "../../../codec/ids.ts";
import { number, text, textOrNull } from "../../../codec/rows.ts";
import { statement } from "../../../codec/statements.ts";
import type { Session } from "../../../connection/session.ts";
import { readLead, type Lead } from "../../../deliveries/leads.ts";
import { readNow } from "../walk.ts";

/** A filter that something may match. */
export interface Wanted {
	readonly project: string;
	readonly webhook: string | null;
	/** The webhooks of the customer that the deliveries must belong to, deleted ones too; null if it may be any. */
	readonly ofCustomer: readonly string[] | null;
	/** Whether a customer reads, who sees no events of internal types. */
	readonly isForCustomer: boolean;
	/** The event, and the last of the deliveries that it got when it was accepted. */
	readonly event: { readonly id: string; readonly last: string } | null;
	/** The events with the tag of the filter, if they are few. A customer would learn how many others have: null. */
	readonly tagged: readonly string[] | null;
	readonly filter: DeliveryFilter;
	readonly lead: Lead;
	/** The time of the database. */
	readonly now: number;
}

const SELECT_WEBHOOK = statement("SELECT project_id, customer_id FROM webhooks WHERE id = $1");
const SELECT_OF_CUSTOMER = statement("SELECT id FROM webhooks WHERE project_id = $1 AND customer_id = $2 ORDER BY id");
const SELECT_EVENT = statement("SELECT delivery_count FROM events WHERE id = $1 AND project_id = $2");

/** With more events, each delivery is looked at whether its event has the tag. */
const MAX_TAGGED = 50;
const SELECT_TAGGED = statement(
	`SELECT event_id FROM event_tags WHERE project_id = $1 AND tag = $2 LIMIT ${MAX_TAGGED + 1}`,
);

/** Resolves a filter; null: nothing can match. */
export async function readWanted(session: Session, scope: Scope, filter: DeliveryFilter): Promise<Wanted | null> {
	const project = uuidOf("proj", projectOf(scope));
	const webhook = filter.webhookId === null ? null : uuidOf("webhook", filter.webhookId);
	const event = filter.eventId === null ? null : uuidOf("evt", filter.eventId);
	const customer = customerOf(scope) ?? filter.customerId ?? null;
	if (project === null) return null;
	// A customer sees no deliveries of others, whichever customer the filter names.
	if ((filter.customerId ?? customer) !== customer) return null;
	const { tag = null } = filter;
	const isForCustomer = scope.kind === "customer";
	const [webhooks, own, events, tagged, lead, now] = await Promise.all([
		webhook === null ? [] : session.run(SELECT_WEBHOOK, [webhook]),
		customer === null || webhook !== null ? [] : session.run(SELECT_OF_CUSTOMER, [project, customer]),
		event === null ? [] : session.run(SELECT_EVENT, [event, project]),
		tag === null || event !== null || isForCustomer ? null : session.run(SELECT_TAGGED, [project, tag]),
		readLead(session),
		readNow(session),
	]);
	if (filter.webhookId !== null) {
		const [found] = webhooks;
		if (webhook === null || found === undefined || text(found["project_id"]) !== project) return null;
		if (customer !== null && textOrNull(found["customer_id"]) !== customer) return null;
	}
	const [row] = events;
	if (filter.eventId !== null && row === undefined) return null;
	const ofCustomer = webhook === null ? own.map(({ id }) => text(id)) : [webhook];
	return {
		project,
		webhook,
		ofCustomer: customer === null ? null : ofCustomer,
		isForCustomer,
		event:
			event === null || row === undefined ? null : { id: event, last: lastOf(event, number(row["delivery_count"])) },
		tagged: tagged === null || tagged.length > MAX_TAGGED ? null : tagged.map((each) => text(each["event_id"])),
		filter,
		lead,
		now,
	};
}

/**
 * An id that no delivery in the block of an event is above; the event itself if it had none. It is one more than that of the last one,
 * since those that version 0.1 has made end in other digits.
 */
export function lastOf(event: string, deliveryCount: number): string {
	if (deliveryCount === 0) return event;
	return uuidOf("dlv", deliveryIdAt(idOf("evt", event), deliveryCount)) ?? event;
}
