// Deliveries and their attempts as responses show them.
import type { z } from "@hono/zod-openapi";

import type { Attempt, Delivery } from "../../../core/delivery.ts";
import type { attemptSchema, deliverySchema } from "./schemas.ts";

export function presentDelivery(delivery: Delivery): z.infer<typeof deliverySchema> {
	return {
		id: delivery.id,
		object: "delivery",
		projectId: delivery.projectId,
		eventId: delivery.eventId,
		eventType: delivery.eventType,
		webhookId: delivery.webhookId,
		status: delivery.status,
		reason: delivery.reason,
		attemptCount: delivery.attemptCount,
		nextAttemptDate: delivery.nextAttemptAt,
		responseCode: delivery.responseCode,
		createDate: delivery.createDate,
		updateDate: delivery.updateDate,
	};
}

export function presentAttempt(attempt: Attempt): z.infer<typeof attemptSchema> {
	return {
		id: attempt.id,
		object: "attempt",
		number: attempt.number,
		trigger: attempt.trigger,
		startDate: attempt.startDate,
		durationMs: attempt.durationMs,
		responseCode: attempt.responseCode,
		error: attempt.error,
		reason: attempt.reason,
		request: { headers: attempt.requestHeaders },
		response: attempt.response,
	};
}
