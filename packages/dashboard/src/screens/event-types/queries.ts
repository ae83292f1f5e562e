// The list of event types, and what changes it. Schemas and examples are read as text: a parser would round their numbers.
import { ConflictError, type Deleted, type EventType, type EventTypeAsText, type ProjectHandle } from "@fanfare/sdk";
import { queryOptions, useQueryClient } from "@tanstack/react-query";

import { useCall, type Tell } from "../../parts/feedback/use-call.ts";
import { useProject } from "../../session/caller.ts";

/** More types than this are not loaded into the page. */
export const MOST_TYPES = 5_000;

export function allTypesQuery(project: ProjectHandle) {
	return queryOptions({
		queryKey: ["project", project.id, "event-types", "all"],
		queryFn: async ({ signal }): Promise<readonly EventTypeAsText[]> => {
			const types: EventTypeAsText[] = [];
			for await (const type of project.eventTypes.listAsText({}, { signal })) {
				types.push(type);
				if (types.length === MOST_TYPES) break;
			}
			return types;
		},
	});
}

export function eventTypeQuery(project: ProjectHandle, name: string) {
	return queryOptions({
		queryKey: ["project", project.id, "event-type", name],
		queryFn: ({ signal }) => project.eventTypes.getAsText(name, { signal }),
	});
}

/** A change of the event types; afterwards everything that shows types is fetched again. */
export function useTypeChange<Input, Result extends EventType | EventTypeAsText | Deleted>(
	change: (types: ProjectHandle["eventTypes"], input: Input) => Promise<Result>,
	onDone?: (result: Result, input: Input, tell: Tell) => void,
) {
	const project = useProject();
	const queryClient = useQueryClient();
	return useCall({
		mutationFn: (input: Input) => change(project.eventTypes, input),
		onSuccess: async (result, input, tell) => {
			onDone?.(result, input, tell);
			await queryClient.invalidateQueries({ queryKey: ["project", project.id] });
		},
		onError: (error) => {
			// Somebody else was faster: the page offers what they have made of it.
			if (error instanceof ConflictError) {
				void queryClient.invalidateQueries({ queryKey: ["project", project.id] });
			}
		},
	});
}
