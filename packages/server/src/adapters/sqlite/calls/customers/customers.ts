// Customers: their names and metadata, listed with the numbers of their webhooks.
import type { DatabaseSync } from "node:sqlite";

import { addedBy, customerRefusal, type Customer, type CustomerRefusal } from "../../../../core/access/customer.ts";
import { projectOf, type CustomerScope, type Scope } from "../../../../core/access/principal.ts";
import type { Page, PageRequest } from "../../../../core/page.ts";
import type { CustomerDeletion, CustomerStore, CustomerSummary } from "../../../../ports/store/customers.ts";
import { CUSTOMER } from "../../codec/customer-rows.ts";
import { idBytes } from "../../codec/ids.ts";
import { countOf, number, text, type Row } from "../../codec/rows.ts";
import { prepareInsert, prepareUpdate } from "../../codec/statements.ts";
import { DELETE_DATE } from "../../codec/webhook-rows.ts";
import type { Transact } from "../../connection.ts";
import { createWriteEntry } from "../audit.ts";
import { noProject } from "../directory/change.ts";
import { createVersionOf } from "../directory/versions.ts";
import { readSome } from "../keyset.ts";
import { createCustomerTotals } from "./customer-totals.ts";

/** A page looks at this many customers, or at those with this much metadata, which lies between the names: some 10 ms. */
const BUDGET = 10_000;
const BUDGET_BYTES = 8 * 1_024 * 1_024;

type UpdateOptions = Parameters<CustomerStore["updateCustomer"]>[2];
type Changes = Parameters<CustomerStore["updateCustomer"]>[1];

/** Prepares the calls of `CustomerStore` that write. */
export function createCustomerCalls(db: DatabaseSync, transact: Transact) {
	const find = createFindCustomer(db);
	const insert = prepareInsert(db, "customers", CUSTOMER.columns);
	const update = prepareUpdate(db, "customers", CUSTOMER.columns, ["project_id", "customer_id"]);
	const versionOf = createVersionOf(db);
	const writeEntry = createWriteEntry(db);
	const withCounts = createSummary(db);
	const totalsOf = createCustomerTotals(db);

	return {
		updateCustomer: (
			scope: CustomerScope,
			changes: Changes,
			{ at, entry, limits }: UpdateOptions,
		): CustomerSummary | CustomerRefusal =>
			transact(() => {
				const { projectId, customerId } = scope;
				if (versionOf(idBytes("proj", projectId)) === null) return noProject(projectId);
				const known = find(scope);
				const before = known ?? { projectId, customerId, name: null, metadata: {}, createDate: at, updateDate: at };
				const after = { ...before, ...changes };
				if (known !== null && isSame(before, after)) return withCounts(known);
				const added = addedBy(before, after);
				if (limits !== undefined && (added.customers > 0 || added.bytes > 0)) {
					const refusal = customerRefusal(totalsOf(projectId), added, limits);
					if (refusal !== null) return refusal;
				}
				const next = { ...after, updateDate: Math.max(at, before.updateDate) };
				(known === null ? insert : update).run(...CUSTOMER.write(next));
				writeEntry(entry);
				return withCounts(next);
			}),
	};
}

/** Prepares the calls of `CustomerStore` that a reader can make. */
export function createCustomerReads(db: DatabaseSync) {
	const find = createFindCustomer(db);
	const withCounts = createSummary(db);
	return {
		customers: createCustomerPage(db, withCounts),
		customer: (scope: CustomerScope): CustomerSummary | null => {
			const found = find(scope);
			return found === null ? null : withCounts(found);
		},
	};
}

/** Prepares the reading of what is kept of a customer. */
export function createFindCustomer(db: DatabaseSync): (scope: CustomerScope) => Customer | null {
	const select = db.prepare("SELECT * FROM customers WHERE project_id = ? AND customer_id = ?");
	return ({ projectId, customerId }) => {
		const row = select.get(idBytes("proj", projectId), customerId);
		return row === undefined ? null : CUSTOMER.read(row);
	};
}

function isSame(a: Customer, b: Customer): boolean {
	return a.name === b.name && JSON.stringify(a.metadata) === JSON.stringify(b.metadata);
}

/** Prepares the noting of a customer that gets a webhook. Call it in the transaction of the webhook. */
export function createNoteCustomer(db: DatabaseSync) {
	const insert = prepareInsert(db, "customers", CUSTOMER.columns, "ON CONFLICT DO NOTHING");
	return (projectId: string, customerId: string, at: number): void => {
		const customer = { projectId, customerId, name: null, metadata: {}, createDate: at, updateDate: at };
		insert.run(...CUSTOMER.write(customer));
	};
}

/** Prepares the counts of a customer's webhooks, and how far its deletion is. */
export function createSummary(db: DatabaseSync): (customer: Customer) => CustomerSummary {
	const readDeletion = createReadDeletion(db);
	const select = db.prepare(`
		SELECT count(*) AS webhooks,
			count(iif(health.report_date IS NOT NULL OR health.exhausted_count > 0, 1, NULL)) AS failing
		FROM webhooks INDEXED BY webhooks_by_customer LEFT JOIN webhook_health health ON health.webhook = webhooks.number
		WHERE project_id = ? AND customer_id = ? AND ${DELETE_DATE} IS NULL
	`);
	return (customer) => {
		const counts = select.get(idBytes("proj", customer.projectId), customer.customerId);
		const [webhookCount, failingCount] = [number(counts?.["webhooks"]), number(counts?.["failing"])];
		return { ...customer, webhookCount, failingCount, deletion: readDeletion(customer) };
	};
}

/** Prepares the reading of how far the deletion of a customer is; null if it is not being deleted. */
function createReadDeletion(db: DatabaseSync): (customer: Customer) => CustomerDeletion | null {
	const select = db.prepare("SELECT * FROM customer_deletions WHERE project_id = ? AND customer_id = ?");
	const countLeft = db.prepare(`
		SELECT count(*) AS count FROM webhooks INDEXED BY webhooks_by_customer WHERE project_id = ? AND customer_id = ?
	`);
	return ({ projectId, customerId }) => {
		const project = idBytes("proj", projectId);
		const row = select.get(project, customerId);
		if (row === undefined) return null;
		return {
			startDate: number(row["start_date"]),
			webhooksLeft: countOf(countLeft.get(project, customerId)),
			webhookCount: number(row["webhooks"]),
			deliveryCount: number(row["deliveries"]),
			eventCount: number(row["events"]),
		};
	};
}

/** The list is ordered by id: "older" goes down the alphabet, "newer" goes up. */
function createCustomerPage(db: DatabaseSync, withCounts: (customer: Customer) => CustomerSummary) {
	const sql = (comparison: string, order: string) => `
		SELECT customer_id, name, octet_length(metadata) AS bytes FROM customers
		WHERE project_id = ?1 AND customer_id ${comparison} ?2 ORDER BY customer_id ${order} LIMIT ${BUDGET}
	`;
	const down = db.prepare(sql(">", "ASC"));
	const up = db.prepare(sql("<", "DESC"));
	const select = db.prepare("SELECT * FROM customers WHERE project_id = ? AND customer_id = ?");
	const exists = { down: db.prepare(sql(">=", "ASC")), up: db.prepare(sql("<=", "DESC")) };

	return (
		scope: Scope,
		wanted: string | null,
		{ cursor, limit }: PageRequest,
	): Page<CustomerSummary & { id: string }> => {
		const project = idBytes("proj", projectOf(scope));
		const needle = wanted?.toLowerCase() ?? null;
		const isNewer = cursor?.direction === "newer";
		const found: string[] = [];
		let [looked, bytes] = [0, 0];
		let last: string | null = null;
		for (const row of (isNewer ? up : down).iterate(project, cursor?.id ?? "")) {
			looked++;
			last = text(row["customer_id"]);
			if (matches(row, needle)) found.push(last);
			bytes += number(row["bytes"]);
			if (found.length > limit || bytes > BUDGET_BYTES) break;
		}
		// Metadata is read only of those that are shown.
		const full = found.values().map((customerId) => select.get(project, customerId) ?? {});
		const page = readSome(full, limit);
		const hasStopped = (looked === BUDGET || bytes > BUDGET_BYTES) && !page.more;
		const goesOn = page.more || hasStopped;
		const stopped = hasStopped && last !== null ? { stoppedAt: last } : {};
		const rows = page.rows.map((row) => {
			const customer = CUSTOMER.read(row);
			return { ...withCounts(customer), id: customer.customerId };
		});
		const isAny = (side: "up" | "down") => cursor !== null && exists[side].get(project, cursor.id) !== undefined;
		if (isNewer) return { rows: rows.toReversed(), hasNewer: goesOn, hasOlder: isAny("down"), ...stopped };
		return { rows, hasNewer: isAny("up"), hasOlder: goesOn, ...stopped };
	};
}

function matches(row: Row, needle: string | null): boolean {
	if (needle === null) return true;
	const name = row["name"] === null ? "" : text(row["name"]);
	return text(row["customer_id"]).toLowerCase().includes(needle) || name.toLowerCase().includes(needle);
}
