// The refusals of sends.
import { FanfareError, type Issue } from "../../core/errors.ts";
import { MAX_BODY_BYTES } from "../../core/event.ts";
import { StoreInDoubtError, type StoreError } from "../../ports/store/errors.ts";

export const TOO_MANY_WAIT =
	"Too many events of the project are waiting to be stored. Send the event again a little later.";

export const CHANGES_ALL_THE_TIME = "The project's settings change all the time. Send the event again later.";

export function shuttingDown(): FanfareError {
	return new FanfareError("shutting_down", "The server is shutting down. Send the event again after the restart.");
}

export function idempotencyConflict(): FanfareError {
	return new FanfareError(
		"idempotency_conflict",
		"This idempotencyKey was used for another event. Use a new key, or send the same event again.",
		{ issues: [{ path: "idempotencyKey", message: "belongs to another event" }] },
	);
}

export function tooLarge(bytes: number): FanfareError {
	return new FanfareError(
		"payload_too_large",
		`The event is ${bytes} bytes as receivers would get it; the limit is ${MAX_BODY_BYTES} bytes. Send a reference to large data.`,
	);
}

export function unknownWebhooks(ids: readonly string[]): FanfareError {
	const more = ids.length > 1 ? ` (and ${ids.length - 1} more, see issues)` : "";
	return new FanfareError("unknown_webhook", `No such webhook in this project: ${ids[0]}${more}.`, {
		issues: ids.map((id) => ({ path: "webhookIds", message: `no webhook ${id} in this project` })),
	});
}

/** Why an event that is not for a customer can't name a webhook of that customer. */
export function foreignWebhook(index: number, customerId: string | null): Issue {
	const message =
		`belongs to the customer ${customerId}, whom the event is not for: send it with customerId ${JSON.stringify(customerId)}, ` +
		"or name other webhooks";
	return { path: `webhookIds.${index}`, message };
}

/** Why an event of an internal type can't name a webhook of a customer. */
export function internalType(index: number): Issue {
	return {
		path: `webhookIds.${index}`,
		message: "belongs to a customer, and the event type is internal: name only webhooks without a customer",
	};
}

/** The refusal of a send with or without an idempotency key whose commit has failed. */
export function refusalOf(error: StoreError, hasKey: boolean): FanfareError {
	if (!(error instanceof StoreInDoubtError)) return refusalOfNothing(error);
	const advice = hasKey
		? "Send it again with the same idempotencyKey, which is never accepted twice."
		: "Look for it among the newest events before you send it again. An event with an idempotencyKey can be sent again at once.";
	return new FanfareError(
		"outcome_unknown",
		`The server has lost its store while it wrote the event, so it is not known whether it was accepted. ${advice}`,
		{ cause: error },
	);
}

/** The refusal of a send for which the store has only looked something up, and failed. */
export function refusalOfNothing(error: StoreError): FanfareError {
	if (error.code === "store_full") {
		return new FanfareError(
			"store_full",
			"The server's disk is full; the event was not accepted. Send it again later.",
			{
				cause: error,
			},
		);
	}
	return new FanfareError(
		"store_unavailable",
		"The server can't write now; the event was not accepted. Send it again later.",
		{
			cause: error,
		},
	);
}

export function asRefusal(error: unknown): FanfareError {
	if (error instanceof FanfareError) return error;
	return new FanfareError("internal", "The event could not be accepted.", { cause: error });
}

/** The refusal of a whole batch of which nothing was accepted, if that is because of the server; null otherwise. */
export function refusalOfAll(results: readonly object[]): FanfareError | null {
	const refusals = results.filter((result) => result instanceof FanfareError);
	const fatal = refusals.filter(({ kind }) => kind === "unavailable");
	if (refusals.length < results.length) return null;
	// Any other says that nothing was accepted.
	return fatal.find(({ code }) => code === "outcome_unknown") ?? fatal[0] ?? null;
}
