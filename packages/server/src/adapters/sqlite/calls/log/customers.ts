// The part of the log that belongs to one customer: the deliveries of the customer's webhooks, and the events that are for the customer.
import type { DatabaseSync } from "node:sqlite";

import { number, text } from "../../codec/rows.ts";
import type { Numbered } from "../../deliveries/numbers.ts";
import type { Condition } from "./condition.ts";
import { isAmong, ROW_US, typeEntries, type Check } from "./events/event-sources.ts";

/** A customer of a project. */
export interface Customer {
	readonly project: Numbered;
	readonly customerId: string;
}

const NUMBERS = "SELECT number FROM webhooks INDEXED BY webhooks_by_customer WHERE project_id = ? AND customer_id = ?";

/** That a column has the number of one of the customer's webhooks, deleted or not. */
export function isOfCustomer(column: string, { project, customerId }: Customer): Condition {
	return { sql: `${column} IN (${NUMBERS})`, values: [project.bytes, customerId] };
}

/** That the type of an event is not internal now: a customer sees no others. It names the table `event`. */
export function isOfPublicType(project: Numbered): Condition {
	const sql =
		"event.type NOT IN (SELECT name FROM event_types INDEXED BY event_types_internal WHERE project_id = ? AND visibility = 1)";
	return { sql, values: [project.bytes] };
}

/** Internal types are looked for one by one, if they are no more than these. */
const FEW_TYPES = 3;

/**
 * Prepares the checks that the types of events are not internal now. They count as equally long however many such types there are:
 * where a customer's page ends must not tell.
 */
export function createPublicChecks(db: DatabaseSync): (project: Numbered) => Check[] {
	const select = db.prepare(`
		SELECT name FROM event_types INDEXED BY event_types_internal WHERE project_id = ? AND visibility = 1 LIMIT ${FEW_TYPES + 1}
	`);
	return (project) => {
		const types = select.all(project.bytes).map((row) => text(row["name"]));
		if (types.length === 0) return [{ sql: "TRUE", values: [], costUs: ROW_US }];
		if (types.length > FEW_TYPES) return [{ ...isOfPublicType(project), costUs: ROW_US }];
		const { sql, values } = isAmong(types.map((type) => typeEntries(project.number, type)));
		return [{ sql: `NOT ${sql}`, values, costUs: ROW_US }];
	};
}

/** Prepares finding out whether an event type of a project is internal now. */
export function createIsInternal(db: DatabaseSync): (project: Pick<Numbered, "bytes">, type: string) => boolean {
	const select = db.prepare(
		"SELECT 1 FROM event_types INDEXED BY event_types_internal WHERE project_id = ? AND name = ? AND visibility = 1",
	);
	return (project, type) => select.get(project.bytes, type) !== undefined;
}

/** Prepares the reading of the numbers of a customer's webhooks, deleted or not. */
export function createWebhooksOf(db: DatabaseSync): (customer: Customer) => number[] {
	const select = db.prepare(NUMBERS);
	return ({ project, customerId }) => select.all(project.bytes, customerId).map((row) => number(row["number"]));
}
