// The API keys of the workspace, and what changes them.
import type { Client, Key } from "@fanfare/sdk";
import { queryOptions, useQueryClient } from "@tanstack/react-query";

import { useCall, type Tell } from "../../parts/feedback/use-call.ts";
import { useConnection } from "../../session/caller.ts";
import type { Connection } from "../../session/connection.ts";

/** More keys than this are not loaded into the page. */
export const MOST_KEYS = 2_000;

/** Contains no key itself: the server does not know it any more. */
export function keysQuery(connection: Connection) {
	return queryOptions({
		queryKey: ["keys"],
		queryFn: async ({ signal }): Promise<readonly Key[]> => {
			const keys: Key[] = [];
			for await (const key of connection.client.keys.list({}, { signal })) {
				keys.push(key);
				if (keys.length === MOST_KEYS) break;
			}
			return keys;
		},
	});
}

/** A change of a key. Its result, which may contain the key itself, stays with the component that asked. */
export function useKeyChange<Input, Result>(
	change: (client: Client, input: Input) => Promise<Result>,
	onDone?: (result: Result, input: Input, tell: Tell) => void,
) {
	const connection = useConnection();
	const queryClient = useQueryClient();
	return useCall({
		mutationFn: (input: Input) => change(connection.client, input),
		gcTime: 0,
		onSuccess: async (result, input, tell) => {
			onDone?.(result, input, tell);
			await queryClient.invalidateQueries({ queryKey: ["keys"] });
		},
	});
}
