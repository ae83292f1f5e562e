// The filter that lists every webhook, and reads of all webhooks and of all changes of a project, page by page, for tests.
import type { ProjectChanges, WebhookFilter, WebhookRecord, WebhookSummary } from "../../../store/directory.ts";
import type { WebhooksToSweep } from "../../../store/queue.ts";
import type { Store } from "../../../store/store.ts";

/** The filter of a list that has every webhook. */
export const ANY_WEBHOOK: WebhookFilter = {
	text: null,
	statuses: null,
	health: null,
	customerId: null,
	key: null,
	eventType: null,
	metadata: {},
};

/** Small, so that tests read several pages. */
const PAGE = 3;

/** The record of every webhook, oldest first. Of the deleted webhooks, only those that have waiting deliveries. */
export async function allWebhooks(
	store: Pick<Store, "webhookSummaries" | "webhookRecords">,
): Promise<readonly WebhookRecord[]> {
	const ids = (await allSummaries(store)).map(({ id }) => id);
	const records = new Map((await store.webhookRecords(ids)).map((record) => [record.id, record]));
	return ids.flatMap((id) => records.get(id) ?? []);
}

/** The summaries of the same webhooks. */
export async function allSummaries(store: Pick<Store, "webhookSummaries">): Promise<readonly WebhookSummary[]> {
	const summaries: WebhookSummary[] = [];
	for (let after: string | null = null; ;) {
		const page: readonly WebhookSummary[] = await store.webhookSummaries(after, PAGE);
		summaries.push(...page);
		after = page.at(-1)?.id ?? null;
		if (page.length < PAGE) return summaries;
	}
}

/** The webhooks that have deliveries for a sweep to change. */
export async function toSweep(store: Pick<Store, "webhooksToSweep">): Promise<readonly string[]> {
	const ids: string[] = [];
	for (let after: string | null = null; ;) {
		const { webhookIds, next }: WebhooksToSweep = await store.webhooksToSweep(after, PAGE);
		ids.push(...webhookIds);
		if (next === null) return ids;
		after = next;
	}
}

/** What the directory keeps of a webhook. */
export function summaryOf(record: WebhookRecord): WebhookSummary {
	const {
		id,
		projectId,
		customerId,
		name,
		rateLimit,
		disableAfterMs,
		status,
		disabledReason,
		pausedReason,
		revision,
		deleteDate,
	} = record;
	const eventTypesJson = record.eventTypes === null ? null : JSON.stringify(record.eventTypes);
	return {
		id,
		projectId,
		customerId,
		name,
		rateLimit,
		disableAfterMs,
		status,
		disabledReason,
		pausedReason,
		revision,
		eventTypesJson,
		deleteDate,
	};
}

/** Everything that has changed in a project after a version. */
export async function changesSince(
	store: Pick<Store, "projectChanges">,
	projectId: string,
	version: number,
): Promise<Omit<ProjectChanges, "next">> {
	const { next: second, ...first } = await store.projectChanges(
		projectId,
		{ revision: version, webhookId: null },
		PAGE,
	);
	const webhooks = [...first.webhooks];
	for (let next = second; next !== null;) {
		const page = await store.projectChanges(projectId, next, PAGE);
		webhooks.push(...page.webhooks);
		next = page.next;
	}
	return { ...first, webhooks };
}
