// Which calls of the store only read: the compiler asks for each call of the port.
import type { Store } from "../../packages/server/src/ports/store/store.ts";

/** The name of a call of the store. */
export type StoreCall = keyof Store;

/** What each call does. A call that is new in the port does not compile until it is here. */
const KINDS = {
	// Accepting
	commit: "write",
	// Delivering
	claimDue: "write",
	dueWebhooks: "read",
	leasedDeliveries: "read",
	renewLeases: "write",
	takeOver: "write",
	pullIn: "write",
	sweepWebhook: "write",
	webhooksToSweep: "read",
	markWebhooksDeleted: "write",
	countOpen: "read",
	// The log
	events: "read",
	event: "read",
	eventsById: "read",
	eventDetails: "read",
	eventDeliveries: "read",
	eventBody: "read",
	deliveries: "read",
	changeBound: "read",
	countDeliveries: "read",
	changedDeliveries: "read",
	delivery: "read",
	attempts: "read",
	// The directory
	directoryVersions: "read",
	projectChanges: "read",
	projects: "read",
	insertProject: "write",
	updateProject: "write",
	deleteProject: "write",
	keys: "read",
	insertKey: "write",
	updateKey: "write",
	deleteKey: "write",
	removeKeysOfDeleted: "write",
	keyUses: "read",
	noteKeyUses: "write",
	webhookSummaries: "read",
	webhookRecords: "read",
	projectsOverLimits: "read",
	insertWebhook: "write",
	updateWebhook: "write",
	webhooks: "read",
	eventTypes: "read",
	eventType: "read",
	eventTypesByName: "read",
	internalEventTypes: "read",
	putEventType: "write",
	deleteEventType: "write",
	// Replays
	insertReplays: "write",
	stepReplay: "write",
	cancelReplay: "write",
	countReplay: "read",
	runningReplays: "read",
	replays: "read",
	replay: "read",
	untried: "read",
	// Retention and erasures
	forgetIdempotencyKeys: "write",
	purgeEvents: "write",
	purgePayloads: "write",
	purgeDeletedProjects: "write",
	purgeDeletedWebhooks: "write",
	purgeReplays: "write",
	purgeAuditEntries: "write",
	erasePayload: "write",
	continueErasure: "write",
	erasures: "read",
	releaseSpace: "write",
	// Stats and usage
	stats: "read",
	webhookSeries: "read",
	statusCounts: "read",
	webhookActivity: "read",
	rollUpStats: "write",
	webhookHealth: "read",
	reportHealth: "write",
	usage: "read",
	// Customers
	customers: "read",
	customer: "read",
	updateCustomer: "write",
	beginCustomerDeletion: "write",
	stepCustomerDeletion: "write",
	endCustomerDeletion: "write",
	deletingCustomers: "read",
	// Relays
	putRelay: "write",
	relays: "read",
	relay: "read",
	holdRelay: "write",
	relaysSeen: "write",
	goneRelays: "read",
	removeRelay: "write",
	// Sessions and links
	insertSession: "write",
	deleteSessions: "write",
	sessions: "read",
	insertSignInLink: "write",
	signInLinks: "read",
	purgeSessions: "write",
	insertPortalSession: "write",
	deletePortalSessions: "write",
	portalSessions: "read",
	portalSession: "read",
	allPortalSessions: "read",
	purgePortalSessions: "write",
	// The audit log
	insertAuditEntry: "write",
	auditEntries: "read",
	// The store itself
	identity: "read",
	initialize: "write",
	stageReseal: "write",
	clearReseal: "write",
	reseal: "write",
	holdWebhooks: "write",
	newestId: "read",
	probe: "write",
	close: "write",
} as const satisfies Readonly<Record<StoreCall, "read" | "write">>;

/** The names of all calls. */
export const STORE_CALLS = Object.keys(KINDS) as readonly StoreCall[];

/** Whether a call changes something. */
export function isWrite(name: StoreCall): boolean {
	return KINDS[name] === "write";
}
