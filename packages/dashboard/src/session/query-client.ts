// The query cache: all state of the page that is not in the URL.
import { notifyManager, QueryClient } from "@tanstack/react-query";

const FRESH_MS = 5_000;

/** Data is shown from the cache at once, and fetched again when it is older than some seconds. The SDK repeats failed calls. */
export function createQueryClient(): QueryClient {
	// Components are told before the browser handles the next key or click, and not by a timer, which a busy browser runs later than those:
	// a form that is being saved would take them for another save.
	notifyManager.setScheduler(queueMicrotask);
	return new QueryClient({
		defaultOptions: {
			queries: { retry: false, staleTime: FRESH_MS, networkMode: "always", throwOnError: false },
			mutations: { retry: false, networkMode: "always" },
		},
	});
}
