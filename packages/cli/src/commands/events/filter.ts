// The filter of events: the same options for lists and for exports.
import type { EventFilter } from "@fanfare/sdk";
import type { Option } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { option } from "../../frame/command.ts";
import { rangeOptions } from "../../frame/lists.ts";
import { parseList } from "../../frame/values.ts";

/** The options of the filter. */
export interface FilterOptions extends CommonOptions {
	readonly type?: string[];
	readonly customer?: string;
	readonly tag?: string;
	readonly idempotencyKey?: string;
	readonly unmatched?: true;
	readonly after?: number;
	readonly before?: number;
}

/** The options of the filter, for the help. */
export function filterOptions(): Option[] {
	return [
		option("--type <list>", "Only events of these types, such as order.paid,user.*.", parseList),
		option("--customer <id>", "Only events that are for this customer."),
		option("--tag <tag>", "Only events with this tag."),
		option("--idempotency-key <key>", "Only events that were sent with this key."),
		option("--unmatched", "Only events that no webhook wanted."),
		...rangeOptions("accepted"),
	];
}

/** The filter that the options say. */
export function filterOf({ options }: Pick<Call<FilterOptions>, "options">): EventFilter {
	const { type, customer: customerId, tag, idempotencyKey, unmatched, after, before } = options;
	return { type, customerId, tag, idempotencyKey, unmatched, after, before };
}
