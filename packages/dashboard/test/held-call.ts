// A call of the page that a test holds until it says what comes of it.
import type { Page, Route } from "playwright-core";

export interface HeldCall {
	/** Resolves when the page has made the call. */
	readonly made: Promise<void>;
	/** The server refuses it, without having been asked. Defaults to a 409 that says nothing of a revision. */
	refuse(code?: string): void;
	/** The server does it, without having been asked. */
	answer(json: Readonly<Record<string, unknown>>): void;
	/** Lets it through, with its answer. */
	release(): void;
	/** Lets it through, and loses its answer. Resolves when the server has done it. */
	lose(): Promise<void>;
}

/** Holds the next call that matches and changes something. Further ones go through. */
export async function hold(page: Page, method: string, url: RegExp): Promise<HeldCall> {
	const made = Promise.withResolvers<void>();
	const end = Promise.withResolvers<(route: Route) => Promise<void>>();
	const isLost = Promise.withResolvers<void>();
	let isFirst = true;
	await page.route(url, async (route) => {
		const request = route.request();
		const isOther = request.method() !== method || request.postData()?.includes('"dryRun":true') === true;
		if (!isFirst || isOther) return route.fallback();
		isFirst = false;
		made.resolve();
		return (await end.promise)(route);
	});
	return {
		made: made.promise,
		refuse: (code = "not_now") =>
			end.resolve((route) =>
				route.fulfill({ status: 409, json: { message: "Not now.", code, requestId: "req_late" } }),
			),
		answer: (json) => end.resolve((route) => route.fulfill({ json })),
		release: () => end.resolve((route) => route.continue()),
		lose: () => {
			end.resolve(async (route) => {
				await route.fetch();
				await route.abort();
				isLost.resolve();
			});
			return isLost.promise;
		},
	};
}
