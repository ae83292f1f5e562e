// The error codes of each call, and what each code means: by what a call has (a key, a body, a project in its path), and by what the
// route itself says in its `errors`.
import { ERROR_KINDS, type ErrorCode } from "../../../core/errors.ts";
import { countsAsChange } from "../../../core/policies/change-quota.ts";
import { KIND_STATUS } from "../../request/problem.ts";
import type { Route } from "../../request/route.ts";

/** What each code means, for somebody who has got it. */
export const CODE_TEXTS: Readonly<Record<ErrorCode, string>> = {
	invalid_request: "A field, a parameter or the whole request is not valid. `issues` says where.",
	invalid_json: "The body is not JSON.",
	invalid_encoding: "The body is not UTF-8, or is compressed.",
	invalid_cursor: "`page` is not a cursor of this list.",
	invalid_http: "The request cannot be read as HTTP.",
	unknown_webhook: "`webhookIds` names a webhook that the project does not have, or that the event is not for.",
	missing_key: "The request has no key.",
	unknown_key: "There is no such key.",
	expired_key: "The key has expired.",
	unknown_session: "The session of the page has ended, or there never was one with this cookie.",
	unknown_sign_in_link: "The sign-in link was used, has expired, or never existed.",
	unknown_portal_session: "The portal session is unknown, has ended, or was revoked.",
	insufficient_scope: "The key lacks the required scope, or the token the capability.",
	relays_off: "The server's operator has turned relays off.",
	route_not_found: "There is no such call.",
	project_not_found: "There is no such project, or the key does not open it.",
	webhook_not_found: "There is no such webhook in this project.",
	event_not_found: "There is no such event in this project.",
	delivery_not_found: "There is no such delivery in this project.",
	key_not_found: "There is no such key.",
	event_type_not_found: "There is no such event type in this project.",
	relay_not_found: "There is no such relay in this project.",
	replay_not_found: "There is no such replay in this project.",
	portal_session_not_found: "There is no such portal session in this project.",
	customer_not_found: "There is no such customer in this project.",
	method_not_allowed: "The path has no call with this method. `Allow` lists those that it has.",
	idempotency_conflict: "A different event was sent with this idempotency key.",
	revision_conflict: "Somebody else has changed the object since the given `revision`.",
	last_admin_key: "It is the last admin key of the workspace.",
	event_type_exists: "The project has an event type with this name.",
	too_many_event_types: "The project has as many event types as it may have.",
	too_many_keys: "The workspace has as many keys as it may have.",
	too_many_projects: "The workspace has as many projects as it may have.",
	customer_being_deleted:
		"The customer is being deleted. `GET …/customers/{customerId}` answers 404 when that is over.",
	too_many_portal_sessions: "The project has as many portal sessions as it may have.",
	too_many_webhooks: "The project, or the customer, has as many webhooks as it may have.",
	webhooks_too_large: "The project has no room for the texts of this webhook.",
	too_many_customers: "The project keeps a name or metadata for as many customers as it may.",
	customers_too_large: "The project has no room for the name and the metadata of this customer.",
	webhook_key_exists: "Another webhook of the project has the `key`. `issues` names it.",
	key_not_active: "The key has expired.",
	webhook_not_active: "The webhook is paused or disabled.",
	delivery_not_changeable: "The status of the delivery does not allow it.",
	too_many_retries: "The delivery was retried by hand 100 times.",
	replay_ended: "The replay has ended.",
	too_many_relays: "The project, or the customer, has as many relays as it may have.",
	request_not_open: "The request is not under way any more. It comes again if an answer is still needed.",
	too_many_replays: "As many replays run as may run at once.",
	payload_erased: "The event's payload was erased.",
	data_erased: "The event's data was erased.",
	worker_process: "The process only delivers. Ask one whose role is `api` or `all`.",
	request_timeout: "The request did not arrive in time.",
	payload_too_large: "The body is too large.",
	headers_too_large: "The request line and the headers are too large.",
	too_many_sign_ins: "Ten attempts to sign in have failed from this address. `Retry-After` says when to go on.",
	too_many_exports: "As many exports run as may run at once. `Retry-After` says when to try again.",
	event_rate_exceeded: "The project sends more events than its quota allows. `Retry-After` says when to go on.",
	stored_bytes_exceeded: "The project has stored as much as its quota allows.",
	change_rate_exceeded:
		"More was changed in the project, or by the customer, than the server allows in a minute. `Retry-After` says when to go on.",
	overloaded: "The server has too much to do. Try again after `Retry-After`.",
	too_many_streams: "As many streams are open as may be. Poll, or try again after `Retry-After`.",
	shutting_down: "The server is shutting down. Try again after `Retry-After`.",
	store_full: "The disk of the server is full.",
	store_unavailable: "The server cannot reach its store. Try again after `Retry-After`.",
	outcome_unknown:
		"The server has lost its store while it made the change, and it is not known whether it was made. Or deliveries were cancelled, and perhaps another process does not know of it and still attempts one of them: `detail` says so, and the same call again tells it. There is no `Retry-After`: look first. An event with an `idempotencyKey` can be sent again.",
	internal: "Something went wrong inside Fanfare.",
};

/** The code that says that there is no such object, by the parameter of the path that names it. */
const NOT_FOUND: Readonly<Record<string, ErrorCode>> = {
	projectId: "project_not_found",
	webhookId: "webhook_not_found",
	eventId: "event_not_found",
	deliveryId: "delivery_not_found",
	keyId: "key_not_found",
	eventType: "event_type_not_found",
	replayId: "replay_not_found",
	relayId: "relay_not_found",
	customerId: "customer_not_found",
	portalSessionId: "portal_session_not_found",
};

/** The codes of errors that the call can respond with, by status, in the order in which the request is checked. */
export function errorCodes(route: Route): ReadonlyMap<number, readonly ErrorCode[]> {
	const codes = new Map<number, ErrorCode[]>();
	for (const code of [...usualCodes(route), ...namedCodes(route)]) {
		const status = KIND_STATUS[ERROR_KINDS[code]];
		const ofStatus = codes.get(status) ?? [];
		if (!ofStatus.includes(code)) codes.set(status, [...ofStatus, code]);
	}
	return codes;
}

/** The objects with a revision, by the last parameter of a path. */
const REVISED = new Set(["webhookId", "eventType", "customerId"]);

function usualCodes({ access, audit, method, path, query }: Route): ErrorCode[] {
	const writes = method !== "get";
	const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
	const isRevised = REVISED.has(parameters.at(-1) ?? "") && !/:(test|replay)$/.test(path);
	return [
		"invalid_request",
		...(writes ? (["invalid_json", "invalid_encoding"] as const) : []),
		...(query !== undefined && "page" in query.shape ? (["invalid_cursor"] as const) : []),
		"invalid_http",
		...(access === null
			? []
			: ([
					"missing_key",
					"unknown_key",
					"unknown_session",
					"unknown_portal_session",
					"expired_key",
					"insufficient_scope",
				] as const)),
		...parameters.flatMap((name) => NOT_FOUND[name] ?? []),
		// A customer's token may name no other customer.
		...(query !== undefined && "customerId" in query.shape ? (["customer_not_found"] as const) : []),
		...(typeof audit === "string" && (isRevised || path === "/projects/{projectId}")
			? (["revision_conflict"] as const)
			: []),
		...(writes ? (["request_timeout", "payload_too_large"] as const) : []),
		"headers_too_large",
		...(typeof audit === "string" && countsAsChange(audit) ? (["change_rate_exceeded"] as const) : []),
		"internal",
		"overloaded",
		"shutting_down",
		"store_unavailable",
		...(writes ? (["store_full", "outcome_unknown"] as const) : []),
	];
}

/** The codes that the texts of the route name, such as `too_many_webhooks`. */
function namedCodes({ errors = {} }: Route): ErrorCode[] {
	const words = Object.values(errors).flatMap((text) =>
		[...text.matchAll(/`([a-z_]+)`/g)].map(([, word = ""]) => word),
	);
	return words.filter((word): word is ErrorCode => Object.hasOwn(ERROR_KINDS, word));
}
