// Why a webhook is not added or changed, in words.
import type { Scope } from "../../../core/access/principal.ts";
import { counted, FanfareError, invalidRequest } from "../../../core/errors.ts";
import type { WebhookLimits } from "../../../core/webhook.ts";
import type { EndpointGuard } from "../../../ports/sender.ts";
import type { WebhookRefusal } from "../../../ports/store/directory.ts";
import { customerBeingDeleted } from "../../directory/not-found.ts";

/**
 * Keys are unique in a project. A customer who could set one would learn from the refusal whether anybody else has it, so only the
 * product sets them. Throws `invalid_request`.
 */
export function checkMayHaveKey(scope: Scope): void {
	if (scope.kind === "project") return;
	const message = "can be set only with an API key, since it is the product's own id of the webhook";
	throw invalidRequest([{ path: "key", message }]);
}

/** The error for a webhook, of this customer, that the store has refused. */
export function webhookRefused(
	refusal: WebhookRefusal,
	customerId: string | null,
	{ maxWebhooks, maxWebhookBytes }: WebhookLimits,
): FanfareError {
	if (refusal === "customer_being_deleted") return customerBeingDeleted(customerId ?? "", "customerId");
	if (typeof refusal === "object") {
		return new FanfareError(
			"webhook_key_exists",
			`The webhook ${refusal.webhookId} of this project has this key already. Change that one, or use another key.`,
			{ issues: [{ path: "key", message: `is the key of ${refusal.webhookId}` }] },
		);
	}
	if (refusal === "too_many_webhooks") {
		return new FanfareError(
			refusal,
			`A project has at most ${counted(maxWebhooks, "webhook")}. Delete some that are no longer needed, or ask the server's operator to raise FANFARE_MAX_WEBHOOKS.`,
		);
	}
	return new FanfareError(
		refusal,
		`The texts of a project's webhooks take at most ${maxWebhookBytes} bytes together. Shorten event types, headers, metadata or descriptions, or ask the server's operator to raise FANFARE_MAX_WEBHOOK_BYTES.`,
	);
}

/** Throws if a webhook may not have the endpoint. Only whoever acts for the project is told of a setting that would allow it. */
export function checkEndpoint(guard: EndpointGuard, endpoint: string, scope: Scope, customerId: string | null): void {
	const reason = guard.reject(endpoint, scope.projectId, customerId);
	if (reason === null) return;
	const isOfCustomersAlone =
		customerId !== null && scope.kind === "project" && guard.reject(endpoint, scope.projectId) === null;
	const advice = isOfCustomersAlone
		? " Webhooks without a customer may have this endpoint, and those of customers too with FANFARE_ALLOW_FOR_CUSTOMERS=true."
		: "";
	throw invalidRequest([{ path: "spec.endpoint", message: reason + advice }]);
}
