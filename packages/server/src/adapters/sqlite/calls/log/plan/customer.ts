// The deliveries of a customer: those of its webhooks, read by webhook.
import { DELIVERY_STATUSES } from "../../../../../core/delivery.ts";
import type { LogView } from "../../../deliveries/log-view.ts";
import type { Prepare } from "../../statement-cache.ts";
import { isOfCustomer } from "../customers.ts";
import { conditionsOf, isExceptional, type Conditions } from "../filter/conditions.ts";
import type { Wanted } from "../filter/wanted.ts";
import { createEntrySource, type Checked, type CountableSource, type Entries } from "../sources.ts";
import { exceptionalEntries, fullTail, openEntries, openTail, webhookEntries } from "./entries.ts";

/**
 * One source for each webhook of a customer, and one for each tail, which has the newest rows of all webhooks. None of them looks at
 * deliveries of others, so that neither the length of a page nor its cursors depend on those.
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
	const ofWebhook = conditionsOf({ ...wanted, customer: null }, { leadMs });
	const of = (entries: readonly Entries[], conditionsOn = conditions) =>
		entries.map((each) => createEntrySource(prepare, each, checkedOf(conditionsOn)));
	const ofOpen = (entries: readonly Entries[], conditionsOn = conditions) =>
		conditionsOn.open === null
			? []
			: entries.map((each) => createEntrySource(prepare, each, openCheckedOf(conditionsOn)));
	const sources = [
		...(isExceptional(wanted) ? [] : of([fullTail(own, marks)])),
		...ofOpen([openTail(own, marks)]),
		...customer.webhooks.flatMap((webhook) => {
			const owner = { project: wanted.project, webhook };
			return [...of(fullEntries(owner, wanted), ofWebhook), ...ofOpen([openEntries(owner)], ofWebhook)];
		}),
	];
	if (event === null) return sources;
	const outside: Entries = {
		table: "deliveries",
		index: "deliveries_outside_by_event",
		where: { sql: `entry.event = ? AND entry.outside = 1 AND ${own.sql}`, values: [event.seq, ...own.values] },
		columns: ["event", "webhook"],
	};
	return [...sources.map((source) => inBlock(source, event)), ...of([outside])];
}

/** The entries of the full rows of a customer, without those of the tails. */
export function customerEntries({ webhooks }: NonNullable<Wanted["customer"]>, wanted: Wanted): Entries[] {
	return webhooks.flatMap((webhook) => fullEntries({ project: wanted.project, webhook }, wanted));
}

function fullEntries({ project, webhook }: { project: number; webhook: number }, wanted: Wanted): Entries[] {
	if (!isExceptional(wanted)) return [webhookEntries(webhook)];
	const statuses = wanted.filter.statuses ?? DELIVERY_STATUSES;
	return statuses.map((status) => exceptionalEntries({ project, webhook }, status));
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
			return low < high ? read({ low, high }, order, limit, budget) : { rows: [], stoppedAt: null };
		},
		count: (range, budget) => {
			const { low, high } = part(range);
			return low < high ? count({ low, high }, budget) : { count: 0, stoppedAt: null };
		},
	};
}
