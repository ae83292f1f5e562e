// The filter of deliveries: the same options for lists and for changes of many.
import type { AttemptCause, AttemptError, DeliveryFilter, DeliveryStatus, ProjectHandle } from "@fanfare/sdk";
import type { Option } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { option } from "../../frame/command.ts";
import { rangeOptions } from "../../frame/lists.ts";
import { webhookIdOf } from "../../frame/named.ts";
import { listOf, parseList, parseResponseCodes } from "../../frame/values.ts";
import { parseTime } from "../../text/times.ts";
import { CAUSES } from "../why/generated/causes.ts";

/** The options of the filter. */
export interface FilterOptions extends CommonOptions {
	readonly webhook?: string;
	readonly customer?: string;
	readonly event?: string;
	readonly tag?: string;
	readonly eventType?: string[];
	readonly status?: DeliveryStatus[];
	readonly responseCode?: string[];
	readonly error?: AttemptError[];
	readonly cause?: AttemptCause[];
	readonly after?: number;
	readonly before?: number;
	readonly updatedAfter?: number;
	readonly updatedBefore?: number;
}

const STATUSES: readonly DeliveryStatus[] = ["Pending", "Held", "Succeeded", "Failed", "Cancelled"];
const ERRORS: readonly AttemptError[] = [
	"timeout",
	"dns",
	"refused",
	"reset",
	"tls",
	"blocked_address",
	"protocol",
	"unreachable",
];

/** The options of the filter, for the help. */
export function filterOptions(): Option[] {
	return [
		option("--webhook <webhook>", "Only those to this webhook: its id, key or name."),
		option("--customer <id>", "Only those to webhooks of this customer."),
		option("--event <id>", "Only those of this event."),
		option("--tag <tag>", "Only those of events with this tag, such as order:4711."),
		option("--event-type <list>", "Only those of events of these types, such as order.paid,user.*.", parseList),
		option("--status <list>", `Only those with one of these statuses: ${STATUSES.join(", ")}.`, listOf(STATUSES)),
		option(
			"--response-code <list>",
			"By the last response: statuses such as 404, classes such as 5xx, 0 for no response.",
			parseResponseCodes,
		),
		option("--error <list>", `By the error of the last attempt: ${ERRORS.join(", ")}.`, listOf(ERRORS)),
		option(
			"--cause <list>",
			"By the cause of the last attempt, such as certificate_expired: docs/causes.md has them all.",
			listOf(Object.keys(CAUSES) as AttemptCause[]),
		),
		...rangeOptions("created"),
		option("--updated-after <time>", "Only those that changed at this time or later.", (text) => parseTime(text)),
		option("--updated-before <time>", "Only those that changed before this time.", (text) => parseTime(text)),
	];
}

/** The filter that the options say. */
export async function filterOf(call: Call<FilterOptions>, project: ProjectHandle): Promise<DeliveryFilter> {
	const { webhook, customer, event, tag, eventType, status, responseCode, error, cause } = call.options;
	const { after, before, updatedAfter, updatedBefore } = call.options;
	const webhookId = webhook === undefined ? undefined : await webhookIdOf(call, project, webhook);
	const filter = { webhookId, customerId: customer, eventId: event, eventType, status, responseCode };
	return { ...filter, tag, error, cause, after, before, updatedAfter, updatedBefore };
}

/** Whether the filter says anything. */
export function isEmpty(filter: DeliveryFilter): boolean {
	return Object.values(filter).every((value) => value === undefined);
}
