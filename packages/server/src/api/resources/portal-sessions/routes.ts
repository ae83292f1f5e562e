// Portal sessions: tokens with which customers use the portal.
import { keyIdOf, narrowed } from "../../../core/access/principal.ts";
import { jsonBody } from "../../request/body/body-rule.ts";
import { json, keyWith, route } from "../../request/route.ts";
import { listReply, pageRequest } from "../common/list-reply.ts";
import { deletedSchema, listOf } from "../common/schemas.ts";
import { newPortalSession, presentPortalSession } from "./present.ts";
import {
	createPortalSessionSchema,
	newPortalSessionSchema,
	portalSessionQuerySchema,
	portalSessionSchema,
	portalSessionsRevokedSchema,
	revokePortalSessionsQuerySchema,
} from "./schemas.ts";

const COLLECTION = "/projects/{projectId}/portal-sessions";
const ONE = "/projects/{projectId}/portal-sessions/{portalSessionId}";

export const portalSessionRoutes = [
	route({
		id: "createPortalSession",
		tag: "Portal sessions",
		method: "post",
		path: COLLECTION,
		audit: "portal_session.create",
		access: keyWith("write"),
		summary: "Make a portal session",
		description:
			"For one customer, who can use the portal and the API with its token: what belongs to the customer, and nothing else. The " +
			"session ends at `expireDate`, or when it is revoked, not with the key that makes it. A customer has at most 100 sessions: " +
			"of more, the one that would expire first ends.",
		body: jsonBody(createPortalSessionSchema, { customerId: "acme", capabilities: ["webhooks.write"] }),
		answers: { 200: { description: "The new session, with its `token` and `url`.", schema: newPortalSessionSchema } },
		errors: {
			409: "The project has as many portal sessions as it may have (`too_many_portal_sessions`), or the customer is being deleted (`customer_being_deleted`).",
		},
		async handle({ deps, principal, change, body, connection }) {
			const input = newPortalSession(body, keyIdOf(principal));
			const { session, token } = await deps.engine.portalSessions.create(change, input);
			const url = `${deps.publicUrl ?? connection.origin()}/portal/#t=${token}`;
			return json({ ...presentPortalSession(session), token, url });
		},
	}),
	route({
		id: "listPortalSessions",
		tag: "Portal sessions",
		method: "get",
		path: COLLECTION,
		access: keyWith("read"),
		summary: "List portal sessions",
		description: "Those that are valid, newest first, without their tokens.",
		query: portalSessionQuerySchema,
		answers: { 200: { description: "A page of portal sessions.", schema: listOf(portalSessionSchema) } },
		async handle({ deps, scope, query }) {
			const request = pageRequest(query, "portal");
			const wanted = narrowed(scope, query.customerId ?? null);
			return listReply(await deps.engine.portalSessions.list(wanted, request), request, presentPortalSession);
		},
	}),
	route({
		id: "getPortalSession",
		tag: "Portal sessions",
		method: "get",
		path: ONE,
		access: keyWith("read"),
		summary: "Get a portal session",
		description: "Returns one session that is valid.",
		answers: { 200: { description: "The portal session.", schema: portalSessionSchema } },
		async handle({ deps, scope, params }) {
			return json(presentPortalSession(await deps.engine.portalSessions.get(scope, params.portalSessionId)));
		},
	}),
	route({
		id: "revokePortalSession",
		tag: "Portal sessions",
		method: "delete",
		path: ONE,
		audit: "portal_session.revoke",
		access: keyWith("write"),
		summary: "Revoke a portal session",
		description: "Its token stops working at once, and its live streams end.",
		answers: { 200: { description: "The session has ended.", schema: deletedSchema } },
		async handle({ deps, change, params }) {
			await deps.engine.portalSessions.revoke(change, params.portalSessionId);
			return json({ id: params.portalSessionId, deleted: true });
		},
	}),
	route({
		id: "revokePortalSessions",
		tag: "Portal sessions",
		method: "delete",
		path: COLLECTION,
		audit: "portal_session.revoke_many",
		access: keyWith("write"),
		summary: "Revoke all portal sessions of a customer, or of a key",
		description:
			"Those that match all of the query, which has at least one of `customerId` and `keyId`. After a key was stolen, the sessions that " +
			"it has made go on unless they are revoked.",
		query: revokePortalSessionsQuerySchema,
		answers: { 200: { description: "How many sessions have ended.", schema: portalSessionsRevokedSchema } },
		async handle({ deps, change, query: { customerId = null, keyId = null } }) {
			const count = await deps.engine.portalSessions.revokeAll(change, { customerId, keyId });
			return json({ object: "portalSessionsRevoked", count });
		},
	}),
];
