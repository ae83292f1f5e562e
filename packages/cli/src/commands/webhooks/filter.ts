// The filter of webhooks: the same options for lists and for exports.
import type { Webhook, WebhookFilter } from "@fanfare/sdk";
import type { Option } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { option } from "../../frame/command.ts";
import { collecting } from "../../frame/refusals/given-twice.ts";
import { collectEntries, listOf } from "../../frame/values.ts";

/** The options of the filter. */
export interface FilterOptions extends CommonOptions {
	readonly q?: string;
	readonly status?: Webhook["status"][];
	readonly health?: Webhook["health"]["state"][];
	readonly customer?: string;
	readonly key?: string;
	readonly eventType?: string;
	readonly metadata?: Record<string, string>;
}

const STATUSES: readonly Webhook["status"][] = ["Enabled", "Paused", "Disabled"];
const HEALTH: readonly Webhook["health"]["state"][] = ["Healthy", "Failing", "Disabling", "Disabled"];

/** The options of the filter, for the help. */
export function filterOptions(): Option[] {
	return [
		option("--q <text>", "Only those whose name, description, host or key has this text, or whose id it is."),
		option("--status <list>", "Only those that are Enabled, Paused or Disabled.", listOf(STATUSES)),
		option("--health <list>", "Only those that are Healthy, Failing, Disabling or Disabled.", listOf(HEALTH)),
		option("--customer <id>", "Only those of this customer."),
		option("--key <key>", "Only the one with this key of your own."),
		option("--event-type <type>", "Only those that this event type reaches."),
		collecting("--metadata <name=value>", "Only those with this metadata. May be repeated.", collectEntries),
	];
}

/** The filter that the options say. */
export function filterOf({ options }: Pick<Call<FilterOptions>, "options">): WebhookFilter {
	const { q, status, health, customer: customerId, key, eventType, metadata } = options;
	return { q, status, health, customerId, key, eventType, metadata };
}
