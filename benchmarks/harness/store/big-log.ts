// The log that several scenarios share: a million events, each with a delivery and an attempt.
import type { RunContext } from "../../scenario.ts";
import type { PreparedStore } from "./store-copy.ts";

const EVENTS = 1_000_000;
const LOG_WEBHOOKS = 100;

export function prepareBigLog(context: RunContext, events = EVENTS): Promise<PreparedStore> {
	const deliveries = context.size(events);
	return context.prepareStore({ webhooks: LOG_WEBHOOKS, wants: "all", deliveries, perEvent: 1, state: "log" });
}
