// Webhooks that were asked for, up to a number: a project may have more than a page can hold.
import type { ProjectHandle, Webhook, WebhookFilter } from "@fanfare/sdk";

import { count, counted } from "../../parts/text/format.ts";

/** The list of webhooks holds so many of the newest ones, and those in trouble. */
export const MOST_WEBHOOKS = 5_000;
/** Other screens load so many of the newest ones, in one call. */
export const MOST_RECENT = 1_000;
/** The most that one call returns. */
const MOST_OF_A_CALL = 1_000;

export interface Found {
	/** Newest first. */
	readonly webhooks: readonly Webhook[];
	/** Whether those are all that match. */
	readonly isWhole: boolean;
}

/** What the server has looked at many webhooks for. It is fetched again as `searchAgainMs` says. */
export interface Timed {
	/** How long the server has looked, in milliseconds. */
	readonly tookMs: number;
}

export async function timed<Result>(search: Promise<Result>): Promise<Result & Timed> {
	const since = performance.now();
	return { ...(await search), tookMs: performance.now() - since };
}

/** The newest webhooks that match, up to `most` of them. */
export async function findWebhooks(
	project: ProjectHandle,
	filter: WebhookFilter,
	{ most, signal }: { readonly most: number; readonly signal: AbortSignal },
): Promise<Found> {
	const webhooks: Webhook[] = [];
	for (let page: string | undefined; ;) {
		// One more than are wanted tells that there are more. A page can end early, because few match, and that another one follows tells nothing.
		const limit = Math.min(most + 1 - webhooks.length, MOST_OF_A_CALL);
		// oxlint-disable-next-line no-await-in-loop -- each page begins where the one before it ends
		const { data, nextPage } = await project.batch.webhooks.list({ ...filter, limit, page }, { signal });
		webhooks.push(...data);
		if (webhooks.length > most) return { webhooks: webhooks.slice(0, most), isWhole: false };
		if (nextPage === null) return { webhooks, isWhole: true };
		page = nextPage;
	}
}

/** How often the server looks at many webhooks, for one reason. */
export const LEAST_MS = 3_000;
/** What is shown is not older than this, unless a search takes more than half of it. */
const MOST_MS = 60_000;
const SEARCHING_PART = 1 / 20;

/** How long after a change a search is made again that took this long: the server is to search for a small part of the time. */
export function searchAgainMs(tookMs: number): number {
	const mostMs = MOST_MS - Math.min(tookMs, MOST_MS / 2);
	return Math.min(mostMs, Math.max(LEAST_MS, tookMs / SEARCHING_PART));
}

/** All of the first, and those of the second that are not among them. */
export function union<One extends Pick<Webhook, "id">>(first: readonly One[], second: readonly One[]): readonly One[] {
	const ids = new Set(first.map(({ id }) => id));
	return [...first, ...second.filter(({ id }) => !ids.has(id))];
}

/** A number that may not be all: `1,204`, or `at least 5,000`. */
export function knownCount(value: number, isWhole: boolean): string {
	return `${isWhole ? "" : "at least "}${count(value)}`;
}

/** `1 webhook`, or `at least 5,000 webhooks`. */
export function countedWebhooks(value: number, isWhole: boolean): string {
	return `${isWhole ? "" : "at least "}${counted(value, "webhook")}`;
}
