// The deliveries of a customer: those of its webhooks, read along the indexes by webhook.
import { DELIVERY_STATUSES } from "../../../../../core/delivery.ts";
import { json } from "../../../codec/rows.ts";
import type { LogView } from "../../../deliveries/log-view.ts";
import type { Prepare } from "../../statement-cache.ts";
import { isOfCustomer } from "../customers.ts";
import { conditionsOf, isExceptional, type Conditions } from "../filter/conditions.ts";
import type { Wanted } from "../filter/wanted.ts";
import type { SeqRange } from "../seq-page.ts";
import { createEntrySource, type Checked, type CountableSource, type Entries, type Table } from "../sources.ts";
import { entriesOf, exceptionalOf, LISTED, LISTED_OPEN, type WebhookEntries } from "./entries.ts";
import { Tail } from "./tail.ts";
import { createTogetherSource } from "./together.ts";

/** All of them are looked for before the first row is known, which takes about 1.5 ms. */
const MOST_TOGETHER = 1_000;

/**
 * One source for each index that has deliveries of the customer's webhooks, with the rows of the tail that are not in it yet, of which
 * there may be any number: when rows of anybody enter the index, the sources find the same as before, at the same cost. None of them judges
 * deliveries of others, so that neither the length of a page nor its cursors depend on those.
 */
export function customerSources(
	prepare: Prepare,
	customer: NonNullable<Wanted["customer"]>,
	conditions: Conditions,
	wanted: Wanted,
	{ marks, leadMs, range }: Pick<LogView, "marks" | "leadMs"> & { readonly range: SeqRange },
): CountableSource[] {
	const { event } = wanted;
	const own = isOfCustomer("+entry.webhook", customer);
	// What belongs to one of the webhooks belongs to the customer: comparing it with all of them would be done again for each.
	const ofWebhooks = conditionsOf({ ...wanted, customer: null, webhook: null }, { leadMs });
	const tailOf = (table: Table, mark: number) => new Tail(prepare, { table, mark, own, range });
	const together = (entries: WebhookEntries, tail: Tail | null, checked: Checked) => {
		const webhooks = webhooksWith(prepare, customer.webhooks, { entries, tail, range });
		return webhooks.map((some) => createTogetherSource(prepare, { webhooks: some, entries, tail, checked }));
	};
	const full = checkedOf(ofWebhooks);
	const sources = [
		...(conditions.open === null ? [] : together(LISTED_OPEN, tailOf("open", marks.open), openCheckedOf(ofWebhooks))),
		...(isExceptional(wanted)
			? exceptionalEntries(wanted).flatMap((entries) => together(entries, null, full))
			: together(LISTED, tailOf("deliveries", marks.full), full)),
	];
	if (event === null) return sources;
	const outside: Entries = {
		table: "deliveries",
		index: "deliveries_outside_by_event",
		where: { sql: `entry.event = ? AND entry.outside = 1 AND ${own.sql}`, values: [event.seq, ...own.values] },
		columns: ["event", "webhook"],
	};
	return [
		...sources.map((source) => inBlock(source, event)),
		createEntrySource(prepare, outside, checkedOf(conditions)),
	];
}

interface WithEntries {
	readonly entries: WebhookEntries;
	readonly tail: Tail | null;
	readonly range: SeqRange;
}

/** The webhooks in groups that are read together: if they are very many, only those that have such entries, a thousand in each group. */
function webhooksWith(prepare: Prepare, webhooks: readonly number[], entries: WithEntries): (readonly number[])[] {
	if (webhooks.length <= MOST_TOGETHER) return [webhooks];
	const some = withEntries(prepare, webhooks, entries);
	const groups = Math.max(1, Math.ceil(some.length / MOST_TOGETHER));
	return Array.from({ length: groups }, (_, n) => some.slice(n * MOST_TOGETHER, (n + 1) * MOST_TOGETHER));
}

/** In the order of the webhooks, wherever their entries are. */
function withEntries(
	prepare: Prepare,
	webhooks: readonly number[],
	{ entries: { table, index, beside }, tail, range: { low, high } }: WithEntries,
): readonly number[] {
	const row = prepare(`
		SELECT json_group_array(owner.value) AS webhooks FROM json_each(?) owner WHERE EXISTS (
			SELECT 1 FROM ${table} entry INDEXED BY ${index}
			WHERE entry.webhook = owner.value AND ${beside.sql} AND entry.seq >= ? AND entry.seq < ?
		)
	`).get(JSON.stringify(webhooks), ...beside.values, low, high);
	const listed = json<readonly number[]>(row?.["webhooks"]);
	if (tail === null) return listed;
	const some = new Set([...listed, ...tail.webhooks]);
	return webhooks.filter((webhook) => some.has(webhook));
}

/** The entries of the full rows of a customer, webhook by webhook, without those of the tails. */
export function customerEntries({ webhooks }: NonNullable<Wanted["customer"]>, wanted: Wanted): Entries[] {
	const full = isExceptional(wanted) ? exceptionalEntries(wanted) : [LISTED];
	return webhooks.flatMap((webhook) => full.map((entries) => entriesOf(entries, webhook)));
}

function exceptionalEntries({ filter }: Wanted): readonly WebhookEntries[] {
	return (filter.statuses ?? DELIVERY_STATUSES).map(exceptionalOf);
}

function checkedOf({ full, checks, isOnlyChecks }: Conditions): Checked {
	return { conditions: full, checks, isOnlyChecks };
}

function openCheckedOf({ open, openChecks, isOnlyOpenChecks }: Conditions): Checked {
	return { conditions: open ?? [], checks: openChecks, isOnlyChecks: isOnlyOpenChecks };
}

/** The part of a source that lies in the block of an event. */
function inBlock(
	{ read, count }: CountableSource,
	{ seq, end }: { readonly seq: number; readonly end: number },
): CountableSource {
	const part = (range: { low: number; high: number }) => ({
		low: Math.max(range.low, seq + 1),
		high: Math.min(range.high, end + 1),
	});
	return {
		read: (range, order, limit, budget) => {
			const { low, high } = part(range);
			return low < high ? read({ low, high }, order, limit, budget) : { rows: [], stoppedAt: null, cost: 0 };
		},
		count: (range, budget) => {
			const { low, high } = part(range);
			return low < high ? count({ low, high }, budget) : { count: 0, stoppedAt: null, cost: 0 };
		},
	};
}
