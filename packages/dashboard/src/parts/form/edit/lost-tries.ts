// Tries to save headers whose end the page does not know: they may have been made, and nobody can see the values that are stored.
import type { FetchLike } from "@fanfare/sdk";

const LEAST_SERVER_ERROR = 500;
const SERVICE_UNAVAILABLE = 503;
/** Webhooks of which a lost try is remembered. */
const MAX_WEBHOOKS = 100;

type Init = Parameters<FetchLike>[1];
type Response = Awaited<ReturnType<FetchLike>>;

/**
 * Notes each try, also those that the SDK makes again by itself, until its save has ended for good.
 *
 * @example
 * const lost = new LostTries();
 * const client = Client.inPage({ fetch: lost.noting(fetch) });
 */
export class LostTries {
	/** The tries on the newest revision that was tried, by webhook. */
	readonly #lost = new Map<string, Try>();

	/** A `fetch` that notes each PATCH with headers, unless the server has refused it: an answer that says it was made can still break off. */
	noting(fetch: FetchLike): FetchLike {
		return async (url, init) => {
			const made = tryOf(url, init);
			if (made === null) return fetch(url, init);
			try {
				const response = await fetch(url, init);
				if (!isRefusal(response)) this.#note(made);
				return response;
			} catch (error) {
				this.#note(made);
				throw error;
			}
		};
	}

	/** Whether a try to save headers of this webhook on this revision may have been made. */
	has(webhookId: string, revision: number | undefined): boolean {
		const lost = this.#lost.get(webhookId);
		return lost !== undefined && lost.revision === revision;
	}

	/** To be called when it is known what became of a save on this revision, or somebody was told that it is not known. */
	forget(webhookId: string, revision: number | undefined): void {
		if (this.has(webhookId, revision)) this.#lost.delete(webhookId);
	}

	#note(made: Try): void {
		this.#lost.delete(made.webhookId);
		const [oldest] = this.#lost.keys();
		if (this.#lost.size === MAX_WEBHOOKS && oldest !== undefined) this.#lost.delete(oldest);
		this.#lost.set(made.webhookId, made);
	}
}

interface Try {
	readonly webhookId: string;
	readonly revision: unknown;
}

/** Null if it saves no headers. */
function tryOf(url: string, { method, body }: Init): Try | null {
	if (method !== "PATCH" || body === undefined) return null;
	const { revision, spec } = JSON.parse(body) as {
		readonly revision?: unknown;
		readonly spec?: { readonly headers?: unknown };
	};
	if ((spec?.headers ?? null) === null) return null;
	return { webhookId: decodeURIComponent(url.split("/").at(-1) ?? ""), revision };
}

/** Whether the server says that it has not done it. With Retry-After, it has not begun. */
function isRefusal({ status, headers }: Response): boolean {
	if (status === SERVICE_UNAVAILABLE) return headers.get("retry-after") !== null;
	return status >= 300 && status < LEAST_SERVER_ERROR;
}
