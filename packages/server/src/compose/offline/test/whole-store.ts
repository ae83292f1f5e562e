// Everything that a store returns when it is read through the port, for tests that compare two stores.
import { projectScope, type Scope } from "../../../core/access/principal.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import { STATS_WIDTHS_MS } from "../../../core/stats/stats.ts";
import { ANY_CHANGE } from "../../../ports/contract/store/records/logged.ts";
import { ANY_DELIVERY, ANY_ENTRY } from "../../../ports/contract/store/records/records.ts";
import { allSummaries, ANY_WEBHOOK, changesSince, toSweep } from "../../../ports/contract/store/records/webhooks.ts";
import type { Store } from "../../../ports/store/store.ts";

/** So short that lists have several pages. */
const PAGE = 50;
const MANY = 10_000;
/** Of stats of each width, the newest ones. */
const BUCKETS = 2_000;
const ANY_EVENT = { types: null, after: null, before: null };
const CHANGING = ["Pending", "Failed", "Held", "Cancelled"] as const;

/**
 * What a store contains, by call. `at` is the time of calls that take one. Two stores give different numbers to the same changes: leave
 * them out with `numbers: false` if they have made some.
 */
export async function readStore(
	store: Store,
	at: number,
	{ numbers = true } = {},
): Promise<Readonly<Record<string, unknown>>> {
	const projects = await store.projects();
	const summaries = await allSummaries(store);
	const webhooks = summaries.map(({ id }) => id);
	const byProject: Record<string, unknown> = {};
	for (const { id } of projects) {
		const scope = projectScope(id);
		byProject[id] = await readProject(store, scope, id, at);
		if (numbers) byProject[`${id} changes`] = await readChanges(store, scope, at);
	}
	const { projects: usage, total, largest } = await store.usage(projects.map(({ id }) => id));
	return {
		identity: await store.identity(),
		versions: await store.directoryVersions(),
		projects,
		keys: await store.keys(),
		keyUses: sorted(await store.keyUses()),
		summaries,
		webhooks: sorted(await store.webhookRecords(webhooks)),
		health: await store.webhookHealth(webhooks),
		internalTypes: sorted(await store.internalEventTypes(null)),
		overLimits: await store.projectsOverLimits({ maxWebhooks: 0, maxWebhookBytes: 0 }, MANY),
		deletingCustomers: await store.deletingCustomers(null),
		sessions: await store.sessions(null, MANY),
		signInLinks: await store.signInLinks(null, MANY),
		portalSessions: await store.allPortalSessions(null, MANY),
		goneRelays: await store.goneRelays(Number.MAX_SAFE_INTEGER, MANY),
		audit: await pages((page) => store.auditEntries(ANY_ENTRY, page)),
		auditNames: await namesInAudit(store),
		runningReplays: await store.runningReplays(),
		erasures: sorted(await store.erasures(MANY)),
		open: await store.countOpen(),
		due: sorted(await store.dueWebhooks(null)),
		toSweep: await toSweep(store),
		usage: { usage, total, largest },
		byProject,
	};
}

async function namesInAudit(store: Store) {
	const { keyNames, objectNames } = await store.auditEntries(ANY_ENTRY, { limit: MANY, cursor: null });
	return [keyNames, objectNames].map((names) => [...names].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

async function readProject(store: Store, scope: Scope, projectId: string, at: number) {
	const webhooks = await pages((page) => store.webhooks(scope, ANY_WEBHOOK, page));
	const customers = await pages((page) => store.customers(scope, null, page));
	const events = await pages((page) => store.events(scope, ANY_EVENT, page));
	const deliveries = await pages((page) => store.deliveries(scope, ANY_DELIVERY, page));
	// Also those that are deleted completely are in the log.
	const webhookIds = [
		...new Set([...webhooks, ...deliveries.map(({ webhookId }) => ({ id: webhookId }))].map(({ id }) => id)),
	];
	const details: Record<string, unknown> = {};
	for (const { id } of events) {
		details[id] = {
			event: await store.event(scope, id),
			details: await store.eventDetails(scope, id),
			body: await store.eventBody(scope, id),
			deliveries: sorted((await store.eventDeliveries(scope, id, webhookIds)) ?? []),
		};
	}
	const attempts: Record<string, unknown> = {};
	for (const { id } of deliveries) {
		attempts[id] = await pages(
			(page) => store.attempts(scope, id, page),
			({ number }) => String(number),
		);
	}
	const range = (width: keyof typeof STATS_WIDTHS_MS) => {
		const to = at - (at % STATS_WIDTHS_MS[width]) + STATS_WIDTHS_MS[width];
		return { width, from: to - BUCKETS * STATS_WIDTHS_MS[width], to };
	};
	const stats: Record<string, unknown> = {};
	for (const webhookId of [null, ...webhookIds]) {
		for (const width of ["minute", "hour", "day"] as const) {
			stats[`${webhookId} ${width}`] = await store.stats({ scope, webhookId, ...range(width) });
		}
		stats[`${webhookId} counts`] = await store.statusCounts(scope, webhookId);
	}
	return {
		changes: await changesSince(store, projectId, 0),
		webhooks,
		records: sorted(await store.webhookRecords(webhookIds)),
		activity: await store.webhookActivity(scope, webhookIds),
		customers,
		eventTypes: await pages(
			(page) => store.eventTypes(scope, null, page),
			({ name }) => name,
		),
		portalSessions: await pages((page) => store.portalSessions(scope, at, page)),
		relays: sorted(await store.relays(scope, MANY)),
		replays: await pages((page) => store.replays(scope, null, page)),
		events,
		unmatched: await pages((page) => store.events(scope, { ...ANY_EVENT, unmatched: true }, page)),
		details,
		deliveries,
		attempts,
		stats,
	};
}

async function readChanges(store: Store, scope: Scope, at: number) {
	return {
		bound: await store.changeBound(scope, at),
		changed: await pages(
			(page) => store.changedDeliveries(scope, { ...ANY_CHANGE, statuses: CHANGING }, page),
			({ position }) => position,
		),
	};
}

/** All rows of a list, with the cursors that lead from page to page. */
async function pages<T extends object>(
	read: (request: PageRequest) => Promise<Page<T>>,
	idOf: (row: T) => string = idIn,
): Promise<T[]> {
	const rows: T[] = [];
	const seen = new Set<string>();
	for (let cursor: PageRequest["cursor"] = null; ;) {
		const page: Page<T> = await read({ limit: PAGE, cursor });
		rows.push(...page.rows);
		const last = page.rows.at(-1);
		const id = page.stoppedAt ?? (last === undefined ? null : idOf(last));
		if (!page.hasOlder || id === null) return rows;
		if (seen.has(id)) throw new Error(`two pages end at ${id}`);
		seen.add(id);
		cursor = { direction: "older", id };
	}
}

function idIn(row: object): string {
	return "id" in row ? String(row.id) : "";
}

/** Rows that come in no particular order. */
function sorted<T>(rows: readonly T[]): T[] {
	return rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
