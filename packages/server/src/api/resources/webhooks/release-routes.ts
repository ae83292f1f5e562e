// The release of webhooks that a restore from a backup has paused: one, those of a project, or all.
import { json, keyWith, route, workspaceKeyWith } from "../../request/route.ts";
import { presentChanged } from "./present.ts";
import { webhooksReleasedSchema } from "./release-schemas.ts";
import { webhookSchema } from "./schemas.ts";

const EXACTLY_THOSE =
	"After `fanfare restore --hold`, webhooks that were Enabled in the backup are Paused with the `pausedReason` `restored`, so " +
	"that the copy does not send what the original has sent already. ";
const MANY = "One call releases up to 500: call again until `complete` is true.";
const released = { 200: { description: "What was released.", schema: webhooksReleasedSchema } };

export const releaseRoutes = [
	route({
		id: "releaseWebhook",
		tag: "Webhooks",
		method: "post",
		path: "/projects/{projectId}/batch/webhooks/{webhookId}:release",
		audit: "webhook.release",
		access: keyWith("admin"),
		summary: "Release a restored webhook",
		description: `${EXACTLY_THOSE}Resumes the webhook if it is one of those, and changes nothing otherwise.`,
		answers: { 200: { description: "The webhook as it is now.", schema: webhookSchema } },
		async handle({ deps, change, params }) {
			const { webhookId } = params;
			const release = () => deps.engine.webhooks.release(change, webhookId);
			return json(await presentChanged(deps.engine, change.scope, webhookId, release));
		},
	}),
	route({
		id: "releaseProjectWebhooks",
		tag: "Webhooks",
		method: "post",
		path: "/projects/{projectId}/batch/webhooks:release",
		audit: "webhook.release_many",
		access: keyWith("admin"),
		summary: "Release a project's restored webhooks",
		description: `${EXACTLY_THOSE}Resumes those of the project, and no others. ${MANY}`,
		answers: released,
		async handle({ deps, change }) {
			return json({ object: "webhooksReleased", ...(await deps.engine.webhooks.releaseMany(change)) });
		},
	}),
	route({
		id: "releaseWebhooks",
		tag: "Webhooks",
		method: "post",
		path: "/workspace/webhooks:release",
		audit: "webhook.release_all",
		access: workspaceKeyWith("admin"),
		summary: "Release all restored webhooks",
		description: `${EXACTLY_THOSE}Resumes those of all projects, and no others. ${MANY}`,
		answers: released,
		async handle({ deps, change }) {
			return json({ object: "webhooksReleased", ...(await deps.engine.webhooks.releaseAll(change.audit)) });
		},
	}),
];
