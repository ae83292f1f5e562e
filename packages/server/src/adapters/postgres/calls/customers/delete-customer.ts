// The deletion of a customer, in steps. What is done follows from the rows, so a start goes on where the last one has ended:
//
// 1. Its webhooks are deleted by the engine, and their waiting deliveries are swept. They still have the customer.
// 2. Each webhook in turn: the responses in its deliveries are removed, then what its record says, and its customer.
// 3. The payloads of events that are for this customer alone are erased, with their deliveries.
// 4. What is kept of the customer is removed, and the row of the deletion.
import type { AuditDraft, AuditEntry } from "../../../../core/access/audit.ts";
import type { CustomerScope } from "../../../../core/access/principal.ts";
import type {
	CustomerDeletionStep,
	CustomerStore,
	CustomerSummary,
	DeletingCustomer,
} from "../../../../ports/store/customers.ts";
import { CUSTOMER } from "../../codec/customer-rows.ts";
import { idOf, uuidOf } from "../../codec/ids.ts";
import { json, number, text, textOrNull, type Row } from "../../codec/rows.ts";
import { insertInto, statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import type { ChangeNumbers } from "../../deliveries/change-numbers.ts";
import { StatsChanges } from "../../stats/journal.ts";
import { writeEntry } from "../audit.ts";
import { checkProject, noProject, raiseProject } from "../directory/change.ts";
import { findCustomer, summaryOf } from "./customers.ts";
import { erasePayloads, namesAlone } from "./erase-payloads.ts";
import { eraseWebhook } from "./erase-webhook.ts";

type StepOptions = Parameters<CustomerStore["stepCustomerDeletion"]>[1];
type BeginOptions = Parameters<CustomerStore["beginCustomerDeletion"]>[1];
type Begun = { readonly customer: CustomerSummary; readonly version: number | null };

const SELECT_DELETING = `
	SELECT project_id, customer_id, draft FROM customer_deletions JOIN projects ON projects.id = project_id WHERE delete_date IS NULL
`;
const SELECT_ALL = statement(SELECT_DELETING);
const SELECT_OF_PROJECT = statement(`${SELECT_DELETING} AND project_id = $1`);

/** The calls about the deletion of customers. */
export function createDeleteCustomerCalls(database: Database, numbers: ChangeNumbers) {
	return {
		beginCustomerDeletion: (scope: CustomerScope, options: BeginOptions): Promise<Begun | null> =>
			database.change(uuidOf("proj", scope.projectId), (session) => begin(session, scope, options)),
		stepCustomerDeletion: (scope: CustomerScope, options: StepOptions): Promise<CustomerDeletionStep> =>
			database.inBackground(async (session) => {
				const stats = new StatsChanges();
				const step = await makeStep(session, scope, options, { numbers, stats });
				stats.write(session);
				return step;
			}),
		endCustomerDeletion: (scope: CustomerScope, entry: AuditEntry | null): Promise<number | null> =>
			database.change(uuidOf("proj", scope.projectId), (session) => end(session, scope, entry)),
		deletingCustomers: (projectId: string | null): Promise<DeletingCustomer[]> =>
			database.read(async (session) => {
				const rows =
					projectId === null
						? await session.run(SELECT_ALL)
						: await session.run(SELECT_OF_PROJECT, [uuidOf("proj", projectId)]);
				return rows.map((row) => ({
					projectId: idOf("proj", text(row["project_id"])),
					customerId: text(row["customer_id"]),
					draft: row["draft"] === null ? null : json<AuditDraft>(row["draft"]),
				}));
			}),
	};
}

const INSERT = statement(`
	INSERT INTO customer_deletions (project_id, customer_id, start_date, draft, webhooks, deliveries, events)
	VALUES ($1, $2, $3, $4, 0, 0, 0)
`);
const NOTE_CUSTOMER = insertInto("customers", CUSTOMER.columns, "ON CONFLICT DO NOTHING");
const LOCK = statement("SELECT * FROM customer_deletions WHERE project_id = $1 AND customer_id = $2 FOR UPDATE");
/** Without a webhook and without a name, a customer is known by its newest events. So many of them are looked at. */
const NEWEST_EVENTS = 1_000;
/** Older payloads are erased earlier. */
const SELECT_PAYLOAD = statement(`
	SELECT 1 FROM (
		SELECT event_id FROM event_customers WHERE project_id = $1 AND customer_id = $2 ORDER BY event_id DESC LIMIT ${NEWEST_EVENTS}
	) newest JOIN events ON events.id = newest.event_id
	WHERE events.customer = ANY($3::text[]) AND octet_length(body) > 0 LIMIT 1
`);

async function begin(
	session: Session,
	scope: CustomerScope,
	{ at, draft, entry }: BeginOptions,
): Promise<Begun | null> {
	const { projectId, customerId } = scope;
	const project = uuidOf("proj", projectId);
	await checkProject(session, projectId);
	const known = await findCustomer(session, scope);
	if (known === null) {
		const payloads = await session.run(SELECT_PAYLOAD, [project, customerId, namesAlone(customerId)]);
		if (payloads.length === 0) return null;
	} else if ((await session.run(LOCK, [project, customerId])).length > 0) {
		return { customer: await summaryOf(session, known), version: null };
	}
	const version = (await raiseProject(session, project)) ?? noProject(projectId);
	const customer = known ?? { projectId, customerId, name: null, metadata: {}, createDate: at, updateDate: at };
	await session.run(NOTE_CUSTOMER, CUSTOMER.write(customer));
	await session.run(INSERT, [project, customerId, at, draft === null ? null : JSON.stringify(draft)]);
	await writeEntry(session, entry);
	return { customer: await summaryOf(session, customer), version };
}

const SELECT_WEBHOOK = statement(`
	SELECT id, delete_date FROM webhooks WHERE project_id = $1 AND customer_id = $2 AND customer_id IS NOT NULL ORDER BY id LIMIT 1
`);
const MOVE = statement(`
	UPDATE customer_deletions SET webhooks = webhooks + $3, deliveries = deliveries + $4, events = events + $5, webhook_id = $6,
		event_id = $7, through = $8
	WHERE project_id = $1 AND customer_id = $2
`);

async function makeStep(
	session: Session,
	{ projectId, customerId }: CustomerScope,
	options: StepOptions,
	parts: { readonly numbers: ChangeNumbers; readonly stats: StatsChanges },
): Promise<CustomerDeletionStep> {
	const project = uuidOf("proj", projectId);
	const [deletion] = await session.run(LOCK, [project, customerId]);
	if (deletion === undefined || project === null) return { kind: "over" };
	const [webhook] = await session.run(SELECT_WEBHOOK, [project, customerId]);
	const through = textOrNull(deletion["through"]);
	if (webhook !== undefined) {
		const id = text(webhook["id"]);
		const webhookId = idOf("webhook", id);
		if (webhook["delete_date"] === null) return { kind: "webhook", webhookId };
		// The one before may have been removed meanwhile, with its last delivery.
		const from = deletion["webhook_id"] === id ? through : null;
		const erased = await eraseWebhook(session, id, { ...options, through: from }, parts.stats);
		if (erased === "waiting") return { kind: "waiting", webhookId };
		const { done, count } = erased;
		const next = done ? [null, null, null] : [id, null, erased.through];
		await session.run(MOVE, [project, customerId, Number(done), count, 0, ...next]);
		return { kind: "erased", cancelled: [], hasChangedWebhook: done };
	}
	const event = textOrNull(deletion["event_id"]);
	// What is left of the step of a webhook that has been removed is no place of an event.
	const place = { event, through: event === null ? null : through };
	const erased = await erasePayloads(session, { project, customerId, place, ...options }, parts);
	if (erased === null) return doneStep(deletion);
	await session.run(MOVE, [project, customerId, 0, 0, erased.count, null, erased.event, erased.through]);
	return { kind: "erased", cancelled: erased.cancelled, hasChangedWebhook: false };
}

function doneStep(deletion: Row): CustomerDeletionStep {
	return {
		kind: "done",
		webhookCount: number(deletion["webhooks"]),
		deliveryCount: number(deletion["deliveries"]),
		eventCount: number(deletion["events"]),
	};
}

const REMOVALS = ["customer_deletions", "customers", "relays"].map((name) =>
	statement(`DELETE FROM ${name} WHERE project_id = $1 AND customer_id = $2`),
);

async function end(
	session: Session,
	{ projectId, customerId }: CustomerScope,
	entry: AuditEntry | null,
): Promise<number | null> {
	const project = uuidOf("proj", projectId);
	if ((await session.run(LOCK, [project, customerId])).length === 0) return null;
	const version = await raiseProject(session, project);
	if (version === null) return null;
	for (const removal of REMOVALS) await session.run(removal, [project, customerId]);
	await writeEntry(session, entry);
	return version;
}
