// The deliveries of a customer: those of its webhooks, read along the indexes by webhook.
import { DELIVERY_STATUSES } from "../../../../../core/delivery.ts";
import { json } from "../../../codec/rows.ts";
import type { LogView } from "../../../deliveries/log-view.ts";
import type { Prepare } from "../../statement-cache.ts";
import { isOfCustomer } from "../customers.ts";
import { conditionsOf, isExceptional, type Conditions } from "../filter/conditions.ts";
import type { Wanted } from "../filter/wanted.ts";
import { createEntrySource, type Checked, type CountableSource, type Entries } from "../sources.ts";
import { entriesOf, exceptionalOf, fullTail, LISTED, LISTED_OPEN, openTail, type WebhookEntries } from "./entries.ts";
import { createTogetherSource } from "./together.ts";

/** A stretch in which each of more webhooks has one entry could take longer than a page may. */
const MOST_TOGETHER = 100;

/**
 * One source for each index that has deliveries of the customer's webhooks, and one for each tail, which has the newest rows of all
 * webhooks. None of them looks at deliveries of others, so that neither the length of a page nor its cursors depend on those.
 */
export function customerSources(
	prepare: Prepare,
	customer: NonNullable<Wanted["customer"]>,
	conditions: Conditions,
	wanted: Wanted,
	{ marks, leadMs }: Pick<LogView, "marks" | "leadMs">,
): CountableSource[] {
	const { event } = wanted;
	const own = isOfCustomer("+entry.webhook", customer);
	// What belongs to one of the webhooks belongs to the customer: comparing it with all of them would be done again for each.
	const ofWebhooks = conditionsOf({ ...wanted, customer: null }, { leadMs });
	const of = (entries: Entries) => createEntrySource(prepare, entries, checkedOf(conditions));
	const together = (entries: WebhookEntries, checked: Checked) =>
		sourcesOf(prepare, customer.webhooks, entries, checked);
	const sources = [
		...(isExceptional(wanted) ? [] : [of(fullTail(own, marks))]),
		...(conditions.open === null
			? []
			: [
					createEntrySource(prepare, openTail(own, marks), openCheckedOf(conditions)),
					...together(LISTED_OPEN, openCheckedOf(ofWebhooks)),
				]),
		...fullEntries(wanted).flatMap((entries) => together(entries, checkedOf(ofWebhooks))),
	];
	if (event === null) return sources;
	const outside: Entries = {
		table: "deliveries",
		index: "deliveries_outside_by_event",
		where: { sql: `entry.event = ? AND entry.outside = 1 AND ${own.sql}`, values: [event.seq, ...own.values] },
		columns: ["event", "webhook"],
	};
	return [...sources.map((source) => inBlock(source, event)), of(outside)];
}

/** Reads the webhooks that have such entries together; if they are very many, a hundred together. */
function sourcesOf(
	prepare: Prepare,
	webhooks: readonly number[],
	entries: WebhookEntries,
	checked: Checked,
): CountableSource[] {
	const some = webhooks.length > MOST_TOGETHER ? withEntries(prepare, webhooks, entries) : webhooks;
	const sources: CountableSource[] = [];
	for (let at = 0; at === 0 || at < some.length; at += MOST_TOGETHER) {
		sources.push(createTogetherSource(prepare, some.slice(at, at + MOST_TOGETHER), entries, checked));
	}
	return sources;
}

function withEntries(
	prepare: Prepare,
	webhooks: readonly number[],
	{ table, index, beside }: WebhookEntries,
): readonly number[] {
	const row = prepare(`
		SELECT json_group_array(owner.value) AS webhooks FROM json_each(?) owner
		WHERE EXISTS (SELECT 1 FROM ${table} entry INDEXED BY ${index} WHERE entry.webhook = owner.value AND ${beside.sql})
	`).get(JSON.stringify(webhooks), ...beside.values);
	return json(row?.["webhooks"]);
}

/** The entries of the full rows of a customer, webhook by webhook, without those of the tails. */
export function customerEntries({ webhooks }: NonNullable<Wanted["customer"]>, wanted: Wanted): Entries[] {
	return webhooks.flatMap((webhook) => fullEntries(wanted).map((entries) => entriesOf(entries, webhook)));
}

function fullEntries(wanted: Wanted): readonly WebhookEntries[] {
	if (!isExceptional(wanted)) return [LISTED];
	return (wanted.filter.statuses ?? DELIVERY_STATUSES).map(exceptionalOf);
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
