// The actions of the audit log in words.

/** What was done, so that the name of the object can follow. An action that a newer server has is shown as it is. */
const WORDS: Readonly<Record<string, string>> = {
	"project.create": "created the project",
	"project.update": "changed the project",
	"project.delete": "deleted the project",
	"key.create": "created the key",
	"key.update": "renamed the key",
	"key.roll": "rolled the key",
	"key.delete": "revoked the key",
	"webhook.create": "added the webhook",
	"webhook.update": "changed the webhook",
	"webhook.update_secret": "replaced the secret of",
	"webhook.delete": "deleted the webhook",
	"webhook.pause": "paused",
	"webhook.resume": "resumed",
	"webhook.disable": "disabled",
	"webhook.test": "tested",
	"webhook.conform": "checked the receiver of",
	"webhook.release": "released",
	"webhook.release_many": "released, with all of the project,",
	"webhook.release_all": "released, with all of the workspace,",
	"relay.put": "connected a relay to",
	"relay.update": "changed the relay of",
	"relay.delete": "deleted the relay of",
	"delivery.retry": "retried",
	"delivery.cancel": "cancelled",
	"delivery.retry_many": "retried deliveries of",
	"delivery.cancel_many": "cancelled deliveries of",
	"event.erase": "erased the payload of",
	"event_type.create": "added the event type",
	"event_type.put": "wrote the event type",
	"event_type.update": "changed the event type",
	"event_type.delete": "deleted the event type",
	"replay.create": "started",
	"replay.create_many": "started",
	"replay.cancel": "stopped",
	"customer.update": "changed the customer",
	"customer.delete": "began to delete the customer",
	"customer.deleted": "has deleted the customer",
	"customer.pause": "paused, with all of its customer,",
	"customer.resume": "resumed, with all of its customer,",
	"portal_session.create": "made a portal link",
	"portal_session.revoke": "revoked a portal link",
	"portal_session.revoke_many": "revoked portal links of",
	"session.create": "signed in",
	"session.delete": "signed out",
	"sign_in_link.create": "made a sign-in link",
	"workspace.restore": "restored the workspace",
};

export const ACTIONS: readonly string[] = Object.keys(WORDS);

export function wordsOf(action: string): string {
	return WORDS[action] ?? action;
}
