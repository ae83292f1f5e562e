// The headers of a request on its way to another process: sealed, since they contain secrets.
import type { Sealer } from "../../core/crypto/sealing.ts";
import type { RelayedRequest } from "../../ports/relay-wire.ts";
import type { RelayRequest } from "../relay-calls.ts";

/** The request with its headers sealed. */
export function relayedRequest(
	sealer: Sealer,
	request: RelayRequest & Pick<RelayedRequest, "webhookId" | "projectId">,
): RelayedRequest {
	const { webhookId, projectId, requestId, deliveryId, eventId, attemptNumber, trigger, body, timeoutMs } = request;
	const headers = sealer.seal(Buffer.from(JSON.stringify(request.headers)), contextOf(request));
	return { webhookId, projectId, requestId, deliveryId, eventId, attemptNumber, trigger, headers, body, timeoutMs };
}

/** The headers as they were, in their order. Throws if they were not sealed with this key for this request. */
export function openHeaders(sealer: Sealer, request: RelayedRequest): RelayRequest["headers"] {
	const text = Buffer.from(sealer.unseal(request.headers, contextOf(request))).toString();
	return JSON.parse(text) as RelayRequest["headers"];
}

function contextOf({ webhookId, requestId }: Pick<RelayedRequest, "webhookId" | "requestId">): string {
	return `${webhookId} ${requestId}`;
}
