// The list of a project's webhooks, found by any combination of filters. A page looks at a bounded number of webhooks: if few of them
// match, it ends early and says where.
import type { DatabaseSync } from "node:sqlite";

import { customerOf, projectOf, type Scope } from "../../../../core/access/principal.ts";
import { idTime } from "../../../../core/ids.ts";
import type { Page, PageRequest } from "../../../../core/page.ts";
import type { Webhook } from "../../../../core/webhook.ts";
import type { WebhookFilter } from "../../../../ports/store/directory.ts";
import { AFTER_ALL_IDS, BEFORE_ALL_IDS, idBytes, idText, justAfter } from "../../codec/ids.ts";
import { bytes, number, rowId, type Row } from "../../codec/rows.ts";
import { WEBHOOK } from "../../codec/webhook-rows.ts";
import { common, readSome, type IdRange, type Order } from "../keyset.ts";
import { createIsInternal } from "../log/customers.ts";
import { createStatementCache, type Prepare } from "../statement-cache.ts";
import { createVersionOf } from "./versions.ts";
import { webhookTests, type WebhookTest } from "./webhook-filter.ts";

/** A page looks at this many webhooks, or at those with this many bytes in what the filter compares: some 20 ms. */
const BUDGET = 10_000;
const BUDGET_BYTES = 8 * 1_024 * 1_024;
/** Whether there is a page on the other side is said after this many: if none of them matches, that page tells. */
const BUDGET_BEHIND = 500;
/** Webhooks that are looked at at once. The largest have 28 KB of metadata. */
const CHUNK = 250;

/** Prepares `webhooks`. */
export function createWebhookPage(db: DatabaseSync) {
	const scanOf = createScan(db);
	const versionOf = createVersionOf(db);
	const select = db.prepare("SELECT * FROM webhooks WHERE id = ?");
	const read = (id: Uint8Array): Row => select.get(id) ?? {};

	return (scope: Scope, filter: WebhookFilter, { cursor, limit }: PageRequest): Page<Webhook> => {
		const scan = versionOf(idBytes("proj", projectOf(scope))) === null ? null : scanOf(scope, filter);
		if (scan === null) return NO_ROWS;
		const edge = cursor === null ? AFTER_ALL_IDS : idBytes("webhook", cursor.id);
		const isNewer = cursor?.direction === "newer";
		const older = { low: BEFORE_ALL_IDS, high: edge };
		const newer = { low: justAfter(edge), high: AFTER_ALL_IDS };
		const found = isNewer ? scan(newer, "ASC", limit + 1, BUDGET) : scan(older, "DESC", limit + 1, BUDGET);
		const page = readSome(found.ids.values().map(read), limit);
		const stopped = page.more || found.stoppedAt === null ? {} : stopAt(found.stoppedAt);
		const goesOn = page.more || found.stoppedAt !== null;
		const rows = page.rows.map(WEBHOOK.read);
		// The cursor's own row is behind the page.
		const behind = () =>
			isNewer
				? scan({ ...older, high: justAfter(edge) }, "DESC", 1, BUDGET_BEHIND)
				: scan({ ...newer, low: edge }, "ASC", 1, BUDGET_BEHIND);
		const isBehind = cursor !== null && isAny(behind());
		if (isNewer) return { rows: rows.toReversed(), hasNewer: goesOn, hasOlder: isBehind, ...stopped };
		return { rows, hasNewer: isBehind, hasOlder: goesOn, ...stopped };
	};
}

const NO_ROWS = { rows: [], hasNewer: false, hasOlder: false };

function stopAt(id: Uint8Array): Pick<Page<Webhook>, "stoppedAt" | "scannedTo"> {
	const stoppedAt = idText("webhook", id);
	return { stoppedAt, scannedTo: idTime(stoppedAt) };
}

/** The ids that a scan has found, in order, and the last one that it has looked at if it has stopped before the end. */
interface Scanned {
	readonly ids: readonly Uint8Array[];
	readonly stoppedAt: Uint8Array | null;
}

/** Whether there may be rows: if the scan has stopped before it found one, another page tells. */
function isAny({ ids, stoppedAt }: Scanned): boolean {
	return ids.length > 0 || stoppedAt !== null;
}

/** Finds up to `limit` webhooks of a range, in order, and looks at about `budget` of them. */
type Scan = (range: IdRange, order: Order, limit: number, budget: number) => Scanned;

/** Prepares the search for webhooks by a filter; null if none can match. */
function createScan(db: DatabaseSync): (scope: Scope, filter: WebhookFilter) => Scan | null {
	const prepare = createStatementCache(db);
	const isInternal = createIsInternal(db);
	const withKey = createWithKey(db);

	return (scope, filter) => {
		const project = idBytes("proj", projectOf(scope));
		const customerId = customerOf(scope) ?? filter.customerId;
		if ((filter.customerId ?? customerId) !== customerId) return null;
		// To a customer, an internal type is one that does not exist.
		const isHidden = (type: string) => scope.kind === "project" && isInternal({ bytes: project }, type);
		const tests = webhookTests(filter, isHidden);
		const readChunk = createReadChunk(prepare, tests, { project, customerId, withRelays: filter.withRelays ?? false });
		const within = filter.key === null ? EVERY_ID : withKey(project, filter.key);
		if (within === null) return null;
		return (range, order, limit, budget) => {
			const ids: Uint8Array[] = [];
			let rest = common(range, within);
			for (let [looked, size] = [0, 0]; ;) {
				const chunk = readChunk(rest, order);
				if (chunk === null) return { ids, stoppedAt: null };
				ids.push(...chunk.ids.slice(0, limit - ids.length));
				if (ids.length === limit) return { ids, stoppedAt: null };
				looked += chunk.count;
				size += chunk.bytes;
				if (looked >= budget || size >= BUDGET_BYTES) return { ids, stoppedAt: chunk.last };
				rest = order === "ASC" ? { ...rest, low: justAfter(chunk.last) } : { ...rest, high: chunk.last };
			}
		};
	};
}

const EVERY_ID: IdRange = { low: BEFORE_ALL_IDS, high: AFTER_ALL_IDS };

/** Prepares the search for the one webhook with a key, as a range of ids; null if there is none. */
function createWithKey(db: DatabaseSync): (project: Uint8Array, key: string) => IdRange | null {
	const select = db.prepare(`
		SELECT id FROM webhooks INDEXED BY webhooks_by_key
		WHERE project_id = ? AND key = ? AND key IS NOT NULL AND delete_date IS NULL
	`);
	return (project, key) => {
		const row = select.get(project, key);
		return row === undefined ? null : { low: rowId(row), high: justAfter(rowId(row)) };
	};
}

interface Chunk {
	/** The ids of the webhooks that match. */
	readonly ids: readonly Uint8Array[];
	/** How many were looked at, the last one of them, and the bytes of what the filter compares. */
	readonly count: number;
	readonly last: Uint8Array;
	readonly bytes: number;
}

type Owner = { readonly project: Uint8Array; readonly customerId: string | null; readonly withRelays: boolean };

/** Prepares the reading of the next webhooks of a range; null if there are none. */
function createReadChunk(prepare: Prepare, tests: readonly WebhookTest[], { project, customerId, withRelays }: Owner) {
	// Deleted ones count as looked at: a customer may have any number of them.
	const [index, owner, values] =
		customerId === null
			? (["webhooks_by_project", "delete_date IS NULL AND project_id = ?", [project]] as const)
			: (["webhooks_by_customer", "project_id = ? AND customer_id = ?", [project, customerId]] as const);
	const from = (order: Order) =>
		`FROM webhooks webhook INDEXED BY ${index} WHERE ${owner} AND id >= ? AND id < ? ORDER BY id ${order}`;
	const columns = [...new Set(tests.flatMap((test) => test.columns))];
	const lengths = ["0", ...columns.map((column) => `coalesce(octet_length(${column}), 0)`)].join(" + ");
	const ofRelays = withRelays ? [] : ["endpoint NOT LIKE 'relay:%'"];
	const conditions = [...ofRelays, ...tests.map(({ sql }) => sql)].map((sql) => `AND (${sql})`).join(" ");
	const conditionValues = tests.flatMap((test) => test.values);

	return ({ low, high }: IdRange, order: Order): Chunk | null => {
		const sizes = prepare(`
			SELECT count(*) AS count, ${order === "ASC" ? "max" : "min"}(id) AS last, sum(bytes) AS bytes
			FROM (SELECT id, ${lengths} AS bytes ${from(order)} LIMIT ${CHUNK})
		`).get(...values, low, high);
		const count = number(sizes?.["count"]);
		if (sizes === undefined || count === 0) return null;
		const last = bytes(sizes["last"]);
		const part = order === "ASC" ? [low, justAfter(last)] : [last, high];
		const rows = prepare(`
			SELECT webhook.id, ${["delete_date", ...columns].join(", ")}
			FROM webhooks webhook INDEXED BY ${index} LEFT JOIN webhook_health health ON health.webhook = webhook.number
			WHERE ${owner} AND id >= ? AND id < ? ${conditions} ORDER BY id ${order}
		`).all(...values, ...part, ...conditionValues);
		const ids = rows
			.filter((row) => row["delete_date"] === null && tests.every(({ matches }) => matches(row)))
			.map(rowId);
		return { ids, count, last, bytes: number(sizes["bytes"]) };
	};
}
