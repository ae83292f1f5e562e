// Customers: their names and metadata, listed with the numbers of their webhooks.
import {
	addedBy,
	customerRefusal,
	type Customer,
	type CustomerRefusal,
	type CustomerTotals,
} from "../../../../core/access/customer.ts";
import { projectOf, type CustomerScope, type Scope } from "../../../../core/access/principal.ts";
import type { Page, PageRequest } from "../../../../core/page.ts";
import type { CustomerStore, CustomerSummary } from "../../../../ports/store/customers.ts";
import { CUSTOMER } from "../../codec/customer-rows.ts";
import { uuidOf } from "../../codec/ids.ts";
import { number, text, textOrNull, type Row } from "../../codec/rows.ts";
import { insertInto, statement, updateOf } from "../../codec/statements.ts";
import { DELETE_DATE } from "../../codec/webhook-rows.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import { writeEntry } from "../audit.ts";
import { checkProject } from "../directory/change.ts";
import { readNamedPage, type NamedScan } from "../keyset.ts";
import { CountedCustomers } from "./customer-totals.ts";

/** A page looks at this many customers. */
const BUDGET = 10_000;

type Changes = Parameters<CustomerStore["updateCustomer"]>[1];
type UpdateOptions = Parameters<CustomerStore["updateCustomer"]>[2];

const SELECT = statement("SELECT * FROM customers WHERE project_id = $1 AND customer_id = $2");
const SELECT_SOME = statement("SELECT * FROM customers WHERE project_id = $1 AND customer_id = ANY($2::text[])");
const INSERT = insertInto("customers", CUSTOMER.columns);
const UPDATE = updateOf("customers", CUSTOMER.columns, ["project_id", "customer_id"]);
const COUNT_WEBHOOKS = statement(`
	SELECT customer_id, count(*) AS webhooks,
		count(*) FILTER (WHERE health.report_date IS NOT NULL OR health.exhausted_count > 0) AS failing
	FROM webhooks LEFT JOIN webhook_health health ON health.webhook_id = webhooks.id
	WHERE project_id = $1 AND customer_id = ANY($2::text[]) AND ${DELETE_DATE} IS NULL
	GROUP BY customer_id
`);
const SELECT_DELETIONS = statement(`
	SELECT deletion.*, (
		SELECT count(*) FROM webhooks
		WHERE webhooks.project_id = deletion.project_id AND webhooks.customer_id = deletion.customer_id
	) AS webhooks_left
	FROM customer_deletions deletion WHERE project_id = $1 AND customer_id = ANY($2::text[])
`);

/** The calls of `CustomerStore` that do not delete. */
export function createCustomerCalls(database: Database) {
	return {
		customers: (scope: Scope, wanted: string | null, request: PageRequest) =>
			database.snapshot((session) => readPageOf(session, projectOf(scope), wanted, request)),
		customer: (scope: CustomerScope): Promise<CustomerSummary | null> =>
			database.snapshot(async (session) => {
				const found = await findCustomer(session, scope);
				return found === null ? null : summaryOf(session, found);
			}),
		updateCustomer: createUpdateCustomer(database),
	};
}

/** The call `updateCustomer`. */
function createUpdateCustomer(database: Database) {
	const counted = new CountedCustomers();
	return async (
		scope: CustomerScope,
		changes: Changes,
		{ at, entry, limits }: UpdateOptions,
	): Promise<CustomerSummary | CustomerRefusal> => {
		const { projectId, customerId } = scope;
		const project = uuidOf("proj", projectId);
		const { result, added } = await database.change(project, async (session): Promise<Updated> => {
			await checkProject(session, projectId);
			const known = await findCustomer(session, scope);
			const before = known ?? { projectId, customerId, name: null, metadata: {}, createDate: at, updateDate: at };
			const after = { ...before, ...changes };
			if (known !== null && isSame(before, after)) return { result: await summaryOf(session, known), added: null };
			const more = addedBy(before, after);
			if (limits !== undefined && (more.customers > 0 || more.bytes > 0)) {
				const refusal = customerRefusal(await counted.of(session, project, at), more, limits);
				if (refusal !== null) return { result: refusal, added: null };
			}
			const next = { ...after, updateDate: Math.max(at, before.updateDate) };
			await session.run(known === null ? INSERT : UPDATE, CUSTOMER.write(next));
			await writeEntry(session, entry);
			return { result: await summaryOf(session, next), added: more };
		});
		// The next change of the project has asked the database for its lock at most.
		if (added !== null) counted.add(project, added);
		return result;
	};
}

interface Updated {
	readonly result: CustomerSummary | CustomerRefusal;
	/** What the change has added; null if it has changed nothing. */
	readonly added: CustomerTotals | null;
}

/** What is kept of a customer; null if it is not known. */
export async function findCustomer(
	session: Session,
	{ projectId, customerId }: CustomerScope,
): Promise<Customer | null> {
	const [row] = await session.run(SELECT, [uuidOf("proj", projectId), customerId]);
	return row === undefined ? null : CUSTOMER.read(row);
}

/** A customer with the numbers of its webhooks, and how far its deletion is. */
export async function summaryOf(session: Session, customer: Customer): Promise<CustomerSummary> {
	const [summary] = await summariesOf(session, customer.projectId, [customer]);
	if (summary === undefined) throw new Error("each customer has a summary");
	return summary;
}

async function summariesOf(
	session: Session,
	projectId: string,
	customers: readonly Customer[],
): Promise<CustomerSummary[]> {
	const values = [uuidOf("proj", projectId), customers.map(({ customerId }) => customerId)];
	const [counts, deletions] = await Promise.all([
		session.run(COUNT_WEBHOOKS, values),
		session.run(SELECT_DELETIONS, values),
	]);
	const byCustomer = (rows: readonly Row[]) => new Map(rows.map((row) => [text(row["customer_id"]), row]));
	const [countOf, deletionOf] = [byCustomer(counts), byCustomer(deletions)];
	return customers.map((customer) => {
		const count = countOf.get(customer.customerId);
		const deletion = deletionOf.get(customer.customerId);
		return {
			...customer,
			webhookCount: count === undefined ? 0 : number(count["webhooks"]),
			failingCount: count === undefined ? 0 : number(count["failing"]),
			deletion: deletion === undefined ? null : deletionFrom(deletion),
		};
	});
}

function deletionFrom(row: Row): NonNullable<CustomerSummary["deletion"]> {
	return {
		startDate: number(row["start_date"]),
		webhooksLeft: number(row["webhooks_left"]),
		webhookCount: number(row["webhooks"]),
		deliveryCount: number(row["deliveries"]),
		eventCount: number(row["events"]),
	};
}

function isSame(a: Customer, b: Customer): boolean {
	return a.name === b.name && JSON.stringify(a.metadata) === JSON.stringify(b.metadata);
}

/** A page looks at names first; metadata is read only of those that are shown. */
async function readPageOf(
	session: Session,
	projectId: string,
	wanted: string | null,
	request: PageRequest,
): Promise<Page<CustomerSummary & { id: string }>> {
	const project = uuidOf("proj", projectId);
	const needle = wanted?.toLowerCase() ?? null;
	const scan: NamedScan = async (comparison, name, order, limit) => {
		const most = needle === null ? limit : BUDGET;
		const rows = await session.query(
			`
				SELECT customer_id, name, octet_length(metadata) AS bytes FROM customers WHERE project_id = $1 AND customer_id ${comparison} $2
				ORDER BY customer_id ${order} LIMIT $3
			`,
			[project, name, most],
		);
		const found = rows.filter((row) => matches(row, needle)).slice(0, limit);
		const last = rows.at(-1);
		const isCut = needle !== null && rows.length === BUDGET && found.length < limit && last !== undefined;
		return { rows: found, stoppedAt: isCut ? text(last["customer_id"]) : null };
	};
	const page = await readNamedPage(request, scan);
	const ids = page.rows.map((row) => text(row["customer_id"]));
	const shown = new Map((await session.run(SELECT_SOME, [project, ids])).map((row) => [text(row["customer_id"]), row]));
	const customers = ids.flatMap((id) => {
		const row = shown.get(id);
		return row === undefined ? [] : [CUSTOMER.read(row)];
	});
	const summaries = await summariesOf(session, projectId, customers);
	return { ...page, rows: summaries.map((summary) => ({ ...summary, id: summary.customerId })) };
}

function matches(row: Row, needle: string | null): boolean {
	if (needle === null) return true;
	const name = textOrNull(row["name"]) ?? "";
	return text(row["customer_id"]).toLowerCase().includes(needle) || name.toLowerCase().includes(needle);
}
