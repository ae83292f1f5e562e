// A filter of deliveries with the numbers of what it names.
import type { DatabaseSync } from "node:sqlite";

import { customerOf, projectOf, type Scope } from "../../../../../core/access/principal.ts";
import type { DeliveryFilter } from "../../../../../ports/store/log.ts";
import { idBytes } from "../../../codec/ids.ts";
import { number } from "../../../codec/rows.ts";
import type { LogView } from "../../../deliveries/log-view.ts";
import type { Numbered } from "../../../deliveries/numbers.ts";
import type { Prepare } from "../../statement-cache.ts";
import { createWebhooksOf, type Customer } from "../customers.ts";
import { readTypeFilter, type TypeFilter } from "./type-filter.ts";

/** A filter that something may match. */
export interface Wanted {
	readonly project: number;
	readonly webhook: number | null;
	/** The customer that the deliveries must belong to, and those of its webhooks that are wanted. */
	readonly customer: (Customer & { readonly webhooks: readonly number[] }) | null;
	/** The project, if a customer reads, who sees no events of internal types. */
	readonly reader: Numbered | null;
	/** The event, and where its block ends. */
	readonly event: { readonly seq: number; readonly end: number } | null;
	readonly types: TypeFilter | null;
	readonly filter: DeliveryFilter;
}

/** Prepares the resolution of filters; null: nothing can match. */
export function createWanted(db: DatabaseSync, prepare: Prepare, { numbers }: Pick<LogView, "numbers">) {
	const selectEvent = db.prepare(`
		SELECT seq, delivery_count FROM events INDEXED BY events_by_id WHERE id = ? AND project = ?
	`);
	const webhooksOf = createWebhooksOf(db);

	return (scope: Scope, filter: DeliveryFilter): Wanted | null => {
		const project = numbers.projects.find(projectOf(scope));
		const webhook = filter.webhookId === null ? null : numbers.webhooks.find(filter.webhookId);
		if (project === null || (filter.webhookId !== null && webhook === null)) return null;
		if (webhook !== null && webhook.project !== project.number) return null;
		const customerId = customerOf(scope) ?? filter.customerId ?? null;
		// A customer sees no deliveries of others, whichever customer the filter names.
		if ((filter.customerId ?? customerId) !== customerId) return null;
		if (webhook !== null && customerId !== null && webhook.customerId !== customerId) return null;
		const webhooksOfCustomer = (of: Customer) => (webhook === null ? webhooksOf(of) : [webhook.number]);
		const customer =
			customerId === null ? null : { project, customerId, webhooks: webhooksOfCustomer({ project, customerId }) };
		const isForCustomer = scope.kind === "customer";
		const { eventTypes } = filter;
		const found = {
			project: project.number,
			webhook: webhook?.number ?? null,
			customer,
			reader: isForCustomer ? project : null,
			types: eventTypes === null ? null : readTypeFilter(prepare, project.number, eventTypes, isForCustomer),
			filter,
		};
		// No type of the project begins like that.
		if (found.types?.names?.length === 0) return null;
		if (filter.eventId === null) return { ...found, event: null };
		const row = selectEvent.get(idBytes("evt", filter.eventId), project.number);
		if (row === undefined) return null;
		const seq = number(row["seq"]);
		return { ...found, event: { seq, end: seq + number(row["delivery_count"]) } };
	};
}
