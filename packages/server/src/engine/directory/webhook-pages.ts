// Reads the webhooks for the directory from the store, page by page.
import type { ChangesPosition, DirectoryStore, ProjectChanges, WebhookSummary } from "../../ports/store/directory.ts";

/** The most webhooks in one call of the store. Those with the longest filters take 12 MB together. */
const PAGE = 1_000;

/** All webhooks, oldest first. */
export async function* summaryPages(
	store: Pick<DirectoryStore, "webhookSummaries">,
): AsyncGenerator<readonly WebhookSummary[]> {
	for (let after: string | null = null; ;) {
		const page = await store.webhookSummaries(after, PAGE);
		yield page;
		after = page.at(-1)?.id ?? null;
		if (page.length < PAGE) return;
	}
}

/** The first page of what has changed in a project since a version. */
export function firstChanges(
	store: Pick<DirectoryStore, "projectChanges">,
	projectId: string,
	version: number,
): Promise<ProjectChanges> {
	return store.projectChanges(projectId, { revision: version, webhookId: null }, PAGE);
}

/** This first page of what has changed in a project, and those that follow. */
export async function* changePages(
	store: Pick<DirectoryStore, "projectChanges">,
	projectId: string,
	first: ProjectChanges,
): AsyncGenerator<ProjectChanges> {
	yield first;
	for (let next: ChangesPosition | null = first.next; next !== null;) {
		const page: ProjectChanges = await store.projectChanges(projectId, next, PAGE);
		yield page;
		next = page.next;
	}
}
