// Events that are sent by a program in the same process: the same fields and checks as on the wire.
import type { z } from "@hono/zod-openapi";

import { FanfareError } from "../../../core/errors.ts";
import { MAX_EVENT_BYTES, traceparentOf, type EventInput } from "../../../core/event.ts";
import { parseJsonBody } from "../../request/body/json-body.ts";
import { readEvent } from "./input.ts";
import { sendEventSchema } from "./schemas.ts";

/** An event to send, with the fields of `POST /projects/{projectId}/events`. */
export type NewEvent = z.input<typeof sendEventSchema> & {
	/** May be omitted while the workspace has one project. */
	readonly projectId?: string | undefined;
	/** The trace that the event belongs to, as in the header of W3C Trace Context; one that is malformed is ignored. */
	readonly traceparent?: string | null | undefined;
};

/**
 * Reads an event. Throws `invalid_request` and `payload_too_large`, and a `TypeError` for data that JSON does not have, such as a BigInt.
 */
export function readNewEvent({ traceparent = null, ...event }: Omit<NewEvent, "projectId">): EventInput {
	const bytes = Buffer.from(JSON.stringify(event));
	if (bytes.length > MAX_EVENT_BYTES) {
		throw new FanfareError(
			"payload_too_large",
			`The event has ${bytes.length} bytes as JSON; it may have ${MAX_EVENT_BYTES}.`,
		);
	}
	return { ...readEvent(parseJsonBody(bytes, sendEventSchema)), traceparent: traceparentOf(traceparent) };
}
