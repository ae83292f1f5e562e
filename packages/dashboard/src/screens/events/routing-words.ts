// Why a webhook gets an event, or not, in words.
import type { Routing, RoutingReason } from "@fanfare/sdk";

/** What somebody does about it comes last. */
const WORDS: Readonly<Record<RoutingReason, string>> = {
	matches: "Its event types and its customer let the event through.",
	named: "The sender named it.",
	replayed: "Only a replay has sent the event to it.",
	not_named: "The sender named other webhooks, or none. A replay can send the event to it.",
	created_later: "It was created after the event was accepted. A replay can send the event to it.",
	other_customer: "It belongs to a customer whom the event is not for.",
	internal_type: "It belongs to a customer, and the event type is internal.",
	own_event: "The event is one of Fanfare's own, which only event types that name them let through.",
	type_filter: "Its event types do not let this type through.",
	changed_since:
		"It would get the event now: its event types, or who may see the type, have changed since. A replay can send the event to it.",
};

/** A sentence. A reason that a newer server has is shown as it is. */
export function reasonWords({ reason }: Pick<Routing, "reason">): string {
	return (WORDS as Readonly<Record<string, string>>)[reason] ?? reason;
}
