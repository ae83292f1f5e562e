// The call of the SDK for each call of the API, for the examples of /docs/api. A test compiles them.

/** The calls of `@fanfare/sdk` that do not follow from the path, by the id of the call of the API. `$` is the example of the body. */
export const SDK_CALLS: Readonly<Record<string, string>> = {
	getWorkspace: "await client.getInfo()",
	getWorkspaceStatus: "await client.getStatus()",
	getEgressAddresses: "await client.getEgressAddresses()",
	listProjects: "await client.listProjects()",
	searchProjects: "await client.projects.search()",
	getProject: "await client.getProject(projectId)",
	updateProject: "await client.projects.update(projectId, $)",
	deleteProject: "await client.projects.delete(projectId)",
	getProjectUsage: "await project.usage()",
	getCaller: "await client.getCaller()",
	updateWebhookSecret: 'await project.batch.webhooks.updateSecret(webhookId, "whsec_…")',
	exportWebhooks: "for await (const webhook of project.batch.webhooks.export()) console.log(webhook)",
	testWebhook: "await project.batch.webhooks.test(webhookId)",
	conformWebhook: "await project.batch.webhooks.conform(webhookId)",
	releaseProjectWebhooks: "await project.batch.webhooks.releaseAll()",
	releaseWebhooks: "await client.releaseWebhooks()",
	sendEvent: "await project.events.send($)",
	sendEvents: 'await project.events.sendBatch([{ type: "user.created", data: { id: 4711 } }])',
	getEventData: "await project.events.getData(eventId)",
	exportEvents: "for await (const event of project.events.export()) console.log(event)",
	eraseEventData: "await project.events.eraseData(eventId)",
	listAttempts: "await project.deliveries.listAttempts(deliveryId)",
	retryDeliveries: "await project.deliveries.retryMany($)",
	cancelDeliveries: "await project.deliveries.cancelMany($)",
	exportDeliveries: "for await (const delivery of project.deliveries.export()) console.log(delivery)",
	putRelay: "await project.relays.put($)",
	relayRequests:
		'for await (const request of project.relays.connect({ device: "ada@laptop", secret: "whsec_…" })) await request.answer({ status: 200 })',
	answerRelayRequest: "await project.relays.answer(relayId, requestId, $)",
	getStatsOfWebhooks: 'await project.batch.webhooks.statsOf(["webhook_…"])',
	getProjectStats: "await project.stats()",
	exportCustomers: "for await (const customer of project.customers.export()) console.log(customer)",
	revokePortalSessions: 'await project.portalSessions.revokeAll({ customerId: "acme" })',
	revokePortalSession: "await project.portalSessions.revoke(portalSessionId)",
	stream: "for await (const item of project.stream()) console.log(item)",
	listStreamItems: "await project.pollStream()",
	exportAuditEntries: "for await (const entry of client.audit.export()) console.log(entry)",
	exportProjectAuditEntries: "for await (const entry of project.audit.export()) console.log(entry)",
	deleteSessions: "await client.sessions.signOut()",
	createSignInLink: "await client.sessions.createLink()",
};

/** What a plain path does by its method: on one object, and on all of a kind. */
const OF_ONE: Readonly<Record<string, string>> = { get: "get", patch: "update", put: "put", delete: "delete" };
const OF_ALL: Readonly<Record<string, string>> = { get: "list", post: "create" };

/**
 * How to make a call with `@fanfare/sdk`: as the table above says, or as follows from the method and the path, such as
 * `project.replays.cancel(replayId)` from `POST …/replays/{replayId}:cancel`. Null if nothing follows.
 */
export function sdkCall(id: string, method: string, path: string, hasBody: boolean): string | null {
	return SDK_CALLS[id] ?? derivedCall(method, path, hasBody);
}

/** The call that follows from a method and a path. */
export function derivedCall(method: string, path: string, hasBody: boolean): string | null {
	const parts = /^\/(workspace|projects\/\{projectId\})\/([a-z/-]+)(?:\/\{(\w+)\})?(?:([:/])([a-z]+))?$/.exec(path);
	if (parts === null) return null;
	const [, owner, noun = "", one, separator, name] = parts;
	if (separator === "/" && method !== "get") return null;
	const verb = name ?? (one === undefined ? OF_ALL : OF_ONE)[method];
	if (verb === undefined) return null;
	const room = noun.replaceAll("/", ".").replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
	const args = [...(one === undefined ? [] : [one]), ...(hasBody ? ["$"] : [])];
	return `await ${owner === "workspace" ? "client" : "project"}.${room}.${verb}(${args.join(", ")})`;
}
