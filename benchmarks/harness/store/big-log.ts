// The log that several scenarios share: a million events, each with a delivery and an attempt.
import type { RunContext } from "../../scenario.ts";
import type { PreparedStore, StorePlan } from "./store-copy.ts";

const EVENTS = 1_000_000;
const LOG_WEBHOOKS = 100;

export function prepareBigLog(context: RunContext, events = EVENTS): Promise<PreparedStore> {
	return context.prepareStore(planOf(context, events));
}

/** The same with customers and tags: `tagsOf` says which. */
export function prepareLabelledLog(context: RunContext): Promise<PreparedStore> {
	return context.prepareStore({ ...planOf(context, EVENTS), labelled: true });
}

function planOf(context: RunContext, events: number): StorePlan {
	return { webhooks: LOG_WEBHOOKS, wants: "all", deliveries: context.size(events), perEvent: 1, state: "log" };
}
