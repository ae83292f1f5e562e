// What was typed into a form and could not be saved after the form was gone, until it is opened again. In the query cache.
import { skipToken, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useState } from "react";

import type { Edit } from "./edit.ts";

const keyOf = (form: string) => ["unsaved", form] as const;

interface Unsaved<Draft> {
	readonly edit: Edit<Draft>;
	readonly onTaken: () => void;
}

/**
 * @param form which one it is, with its project where its thing has an id only there, such as `webhook webhook_…`
 * @param unsaved what was typed, and what is called when the form has taken it
 */
export function putUnsaved<Draft extends object>(
	queryClient: QueryClient,
	form: string,
	unsaved: Unsaved<Draft>,
): void {
	queryClient.setQueryData<Unsaved<Draft> | null>(keyOf(form), unsaved);
}

/** Takes it away, if the form has not taken it and nothing else was put there since. */
export function dropUnsaved<Draft extends object>(queryClient: QueryClient, form: string, edit: Edit<Draft>): void {
	queryClient.setQueryData<Unsaved<Draft> | null>(keyOf(form), (kept) => (kept?.edit === edit ? null : kept));
}

/** What was typed into this form before and it has not yet taken; null if there is nothing. */
export function useUnsaved<Draft extends object>(form: string): Edit<Draft> | null {
	return useKept<Draft>(form)?.edit ?? null;
}

/** Of the form itself. `take` is called while it is rendered, to change its state. */
export function useTakeBack<Draft extends object>(form: string, take: (unsaved: Edit<Draft>) => void): void {
	const queryClient = useQueryClient();
	const kept = useKept<Draft>(form);
	const [taken, setTaken] = useState<Unsaved<Draft> | null>(null);
	if (kept !== null && kept !== taken) {
		setTaken(kept);
		take(kept.edit);
	}
	const onTaken = useEffectEvent(({ onTaken }: Unsaved<Draft>) => {
		queryClient.setQueryData(keyOf(form), null);
		onTaken();
	});
	useEffect(() => {
		if (taken !== null) onTaken(taken);
	}, [taken]);
}

function useKept<Draft extends object>(form: string): Unsaved<Draft> | null {
	const { data = null } = useQuery<Unsaved<Draft> | null>({
		queryKey: keyOf(form),
		queryFn: skipToken,
		// What is kept is the same object each time: whether it was taken is told by that.
		structuralSharing: false,
		gcTime: Number.POSITIVE_INFINITY,
	});
	return data;
}
