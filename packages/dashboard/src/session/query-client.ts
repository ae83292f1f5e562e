// The query cache: all state of the page that is not in the URL.
import { QueryClient } from "@tanstack/react-query";

const FRESH_MS = 5_000;

/** Data is shown from the cache at once, and fetched again when it is older than some seconds. The SDK repeats failed calls. */
export function createQueryClient(): QueryClient {
	return new QueryClient({
		defaultOptions: {
			queries: { retry: false, staleTime: FRESH_MS, networkMode: "always", throwOnError: false },
			mutations: { retry: false, networkMode: "always" },
		},
	});
}
