// The deletion of a customer, in steps. What is done follows from the rows, so a start goes on where the last one has ended:
//
// 1. Its webhooks are deleted by the engine, and their waiting deliveries are swept. They still have the customer.
// 2. Each webhook in turn: the responses in its deliveries are removed, then what its record says, and its customer.
// 3. The payloads of events that are for this customer alone are erased, with their deliveries.
// 4. What is kept of the customer is removed, and the row of the deletion.
import type { DatabaseSync } from "node:sqlite";

import type { AuditDraft, AuditEntry } from "../../../../core/access/audit.ts";
import type { CustomerScope } from "../../../../core/access/principal.ts";
import type {
	CustomerDeletionStep,
	CustomerStore,
	CustomerSummary,
	DeletingCustomer,
} from "../../../../ports/store/customers.ts";
import { customerText } from "../../codec/event-rows.ts";
import { idBytes, idText } from "../../codec/ids.ts";
import { bytes, countOf, json, number, rowId, text, type Row } from "../../codec/rows.ts";
import { inBackground } from "../../connection.ts";
import type { DeliveryTable } from "../../deliveries/delivery-table.ts";
import type { StatsChanges } from "../../stats/stats-changes.ts";
import type { StatsJournal } from "../../stats/stats-journal.ts";
import { noProject, type Change } from "../directory/change.ts";
import { createVersionOf } from "../directory/versions.ts";
import { createEraseDeliveries } from "../retention/erase-deliveries.ts";
import { createEraseWebhook } from "../retention/erase-webhook.ts";
import { createEmptyBody } from "../retention/purge.ts";
import { createFindCustomer, createNoteCustomer, createSummary } from "./customers.ts";

type StepOptions = Parameters<CustomerStore["stepCustomerDeletion"]>[1];
type BeginOptions = Parameters<CustomerStore["beginCustomerDeletion"]>[1];

/** Looking at an event that has nothing to erase costs this much of the limit of a step. */
const LOOK_COST = 0.2;
/** Without a webhook and without a name, a customer is known by its newest events. So many of them are looked at. */
const NEWEST_EVENTS = 100;

/** Prepares the calls about the deletion of customers. */
export function createDeleteCustomerCalls(
	db: DatabaseSync,
	table: DeliveryTable,
	change: Change,
	journal: StatsJournal,
) {
	const deleting = `
		SELECT project_id, customer_id, draft FROM customer_deletions JOIN projects ON projects.id = project_id WHERE delete_date IS NULL
	`;
	const selectAll = db.prepare(deleting);
	const selectOfProject = db.prepare(`${deleting} AND project_id = ?`);
	return {
		beginCustomerDeletion: createBegin(db, table, change),
		stepCustomerDeletion: createStep(db, table, journal),
		endCustomerDeletion: createEnd(db, change),
		deletingCustomers: (projectId: string | null): DeletingCustomer[] => {
			const rows = projectId === null ? selectAll.all() : selectOfProject.all(idBytes("proj", projectId));
			return rows.map((row) => ({
				projectId: idText("proj", bytes(row["project_id"])),
				customerId: text(row["customer_id"]),
				draft: row["draft"] === null ? null : json<AuditDraft>(row["draft"]),
			}));
		},
	};
}

function createBegin(db: DatabaseSync, table: DeliveryTable, { transact, versions, writeEntry }: Change) {
	const find = createFindCustomer(db);
	const versionOf = createVersionOf(db);
	const noteCustomer = createNoteCustomer(db);
	const summary = createSummary(db);
	const isDeleting = createIsDeleting(db);
	const hasPayload = createHasPayload(db, table);
	const insert = db.prepare(`
		INSERT INTO customer_deletions
			(project_id, customer_id, start_date, draft, webhooks, deliveries, events, is_list, place, through)
		VALUES (?, ?, ?, ?, 0, 0, 0, 0, 0, 0)
	`);

	return (
		scope: CustomerScope,
		{ at, draft, entry }: BeginOptions,
	): { readonly customer: CustomerSummary; readonly version: number | null } | null =>
		transact(() => {
			const { projectId, customerId } = scope;
			const project = idBytes("proj", projectId);
			if (versionOf(project) === null) return noProject(projectId);
			const known = find(scope);
			if (known !== null && isDeleting(scope)) return { customer: summary(known), version: null };
			if (known === null && !hasPayload(scope)) return null;
			const version = versions.raiseProject(project) ?? noProject(projectId);
			if (known === null) noteCustomer(projectId, customerId, at);
			insert.run(project, customerId, at, draft === null ? null : JSON.stringify(draft));
			writeEntry(entry);
			const customer = find(scope);
			return customer === null ? null : { customer: summary(customer), version };
		});
}

/** Prepares finding out whether a customer is being deleted. */
export function createIsDeleting(
	db: DatabaseSync,
): (customer: Pick<CustomerScope, "projectId" | "customerId">) => boolean {
	const select = db.prepare("SELECT 1 FROM customer_deletions WHERE project_id = ? AND customer_id = ?");
	return ({ projectId, customerId }) => select.get(idBytes("proj", projectId), customerId) !== undefined;
}

/** Prepares finding out whether a customer has a payload among its newest events. Older ones are erased earlier. */
function createHasPayload(db: DatabaseSync, { numbers }: DeliveryTable): (scope: CustomerScope) => boolean {
	const select = db.prepare(`
		SELECT 1 FROM (
			SELECT body FROM events INDEXED BY events_by_customer WHERE project = ? AND customer = ?
			ORDER BY seq DESC LIMIT ${NEWEST_EVENTS}
		) WHERE length(body) > 0 LIMIT 1
	`);
	return ({ projectId, customerId }) => {
		const project = numbers.projects.find(projectId);
		if (project === null) return false;
		return textsOf(customerId).some((customer) => select.get(project.number, customer) !== undefined);
	};
}

/** How events name a customer alone: by its `customerId`, and by a list of one. */
function textsOf(customerId: string): readonly [string, string] {
	return [customerId, customerText([customerId]) ?? ""];
}

function createStep(db: DatabaseSync, table: DeliveryTable, journal: StatsJournal) {
	const select = db.prepare("SELECT * FROM customer_deletions WHERE project_id = ? AND customer_id = ?");
	const selectWebhook = db.prepare(`
		SELECT id, number, delete_date FROM webhooks INDEXED BY webhooks_by_customer
		WHERE project_id = ? AND customer_id = ? ORDER BY id LIMIT 1
	`);
	const move = db.prepare(`
		UPDATE customer_deletions SET webhooks = webhooks + ?3, deliveries = deliveries + ?4, events = events + ?5, is_list = ?6,
			place = ?7, through = ?8
		WHERE project_id = ?1 AND customer_id = ?2
	`);
	const eraseWebhook = createEraseWebhook(db, table);
	const erasePayloads = createErasePayloads(db, table);

	const step = (scope: CustomerScope, options: StepOptions, changes: StatsChanges): CustomerDeletionStep => {
		const { projectId, customerId } = scope;
		const project = idBytes("proj", projectId);
		const deletion = select.get(project, customerId);
		if (deletion === undefined) return { kind: "over" };
		const webhook = selectWebhook.get(project, customerId);
		const [place, through] = [number(deletion["place"]), number(deletion["through"])];
		if (webhook !== undefined) {
			const webhookId = idText("webhook", rowId(webhook));
			if (webhook["delete_date"] === null) return { kind: "webhook", webhookId };
			const inHand = number(webhook["number"]);
			// The one before may have been removed meanwhile, with its last delivery.
			const from = place === inHand ? through : 0;
			const erased = eraseWebhook(webhook, { through: from, limit: options.limit }, changes);
			if (erased === "waiting") return { kind: "waiting", webhookId };
			const { done, count } = erased;
			move.run(project, customerId, Number(done), count, 0, 0, done ? 0 : inHand, done ? 0 : erased.through);
			return { kind: "erased", cancelled: [], hasChangedWebhook: done };
		}
		const erased = erasePayloads(scope, { isList: number(deletion["is_list"]), place, through, ...options }, changes);
		if (erased === null) return doneStep(deletion);
		move.run(project, customerId, 0, 0, erased.events, erased.isList, erased.place, erased.through);
		return { kind: "erased", cancelled: erased.cancelled, hasChangedWebhook: false };
	};
	return (scope: CustomerScope, options: StepOptions): CustomerDeletionStep =>
		inBackground(db, () => journal.transact((changes) => step(scope, options, changes)));
}

function doneStep(deletion: Row): CustomerDeletionStep {
	const [webhooks, deliveries, events] = ["webhooks", "deliveries", "events"].map((name) => number(deletion[name]));
	return { kind: "done", webhookCount: webhooks ?? 0, deliveryCount: deliveries ?? 0, eventCount: events ?? 0 };
}

interface PayloadPlace {
	readonly isList: number;
	/** The number of the event in hand if `through` is one of its deliveries, else of the last one that is done. */
	readonly place: number;
	readonly through: number;
}

interface ErasedPayloads extends PayloadPlace {
	readonly cancelled: readonly string[];
	/** Payloads that were erased. */
	readonly events: number;
}

/** Prepares the erasing of payloads after a place; null if there are none left. */
function createErasePayloads(db: DatabaseSync, table: DeliveryTable) {
	const select = db.prepare(`
		SELECT seq, id, project, create_date, delivery_count, length(body) AS count FROM events INDEXED BY events_by_customer
		WHERE project = ? AND customer = ? AND seq >= ? ORDER BY seq LIMIT 1
	`);
	const emptyBody = createEmptyBody(db);
	const eraseDeliveries = createEraseDeliveries(db, table);

	return (
		{ projectId, customerId }: CustomerScope,
		{ limit, reason, at, ...from }: PayloadPlace & StepOptions,
		changes: StatsChanges,
	): ErasedPayloads | null => {
		const project = table.numbers.projects.find(projectId);
		if (project === null) return null;
		const texts = textsOf(customerId);
		let { isList, place, through } = from;
		const cancelled: string[] = [];
		let [events, left, looked] = [0, limit, 0];
		while (left > 0) {
			const event = select.get(project.number, texts[isList === 0 ? 0 : 1], through > 0 ? place : place + 1);
			if (event === undefined && isList === 1) break;
			looked++;
			if (event === undefined) {
				[isList, place, through] = [1, 0, 0];
				continue;
			}
			const seq = number(event["seq"]);
			// The one before may have been deleted meanwhile, because of its age.
			if (seq !== place) through = 0;
			place = seq;
			left -= LOOK_COST;
			if (countOf(event) > 0) {
				emptyBody(seq);
				changes.storedBytes(project.number, -countOf(event));
				events++;
				left--;
			} else if (through === 0) {
				// It was erased before, and what belongs to it, too.
				continue;
			}
			const erased = eraseDeliveries(event, { through, limit: Math.max(1, left), reason, at }, changes);
			left -= erased.count;
			cancelled.push(...erased.cancelled);
			through = erased.done ? 0 : erased.through;
		}
		return looked === 0 ? null : { isList, place, through, events, cancelled };
	};
}

function createEnd(db: DatabaseSync, { transact, versions, writeEntry }: Change) {
	const removals = ["customer_deletions", "customers", "relays"].map((name) =>
		db.prepare(`DELETE FROM ${name} WHERE project_id = ? AND customer_id = ?`),
	);
	const isDeleting = createIsDeleting(db);
	return ({ projectId, customerId }: CustomerScope, entry: AuditEntry | null): number | null =>
		transact(() => {
			if (!isDeleting({ projectId, customerId })) return null;
			const project = idBytes("proj", projectId);
			const version = versions.raiseProject(project);
			if (version === null) return null;
			for (const removal of removals) removal.run(project, customerId);
			writeEntry(entry);
			return version;
		});
}
