// What was typed into a form and could not be saved after the form was gone, until it is opened again. In the query cache.
import { skipToken, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";

import type { Edit } from "./edit.ts";

const keyOf = (form: string) => ["unsaved", form] as const;

/** @param form which one it is, such as `webhook webhook_…` */
export function putUnsaved<Draft extends object>(queryClient: QueryClient, form: string, edit: Edit<Draft>): void {
	queryClient.setQueryData<Edit<Draft> | null>(keyOf(form), edit);
}

/** What was typed into this form before, null if there is nothing, and the function that takes it away. */
export function useUnsaved<Draft extends object>(form: string): readonly [Edit<Draft> | null, () => void] {
	const queryClient = useQueryClient();
	const { data = null } = useQuery<Edit<Draft> | null>({
		queryKey: keyOf(form),
		queryFn: skipToken,
		gcTime: Number.POSITIVE_INFINITY,
	});
	return [data, () => queryClient.setQueryData(keyOf(form), null)];
}
