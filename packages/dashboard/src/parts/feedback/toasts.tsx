// Short messages about what was done, in a corner for some seconds and read out by screen readers.
import { skipToken, useQuery, useQueryClient } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";

import { projectsQuery, useConnection } from "../../session/caller.ts";
import { callerKey } from "../../session/session-state.ts";
import { projectElsewhere } from "../text/project-elsewhere.ts";
import { useOrigin } from "./origin.ts";
import { showToast, toastsKey, type Toast } from "./show-toast.ts";

/** Returns the function that shows a message at once. Of what comes of a call, `useCall` tells. */
export function useToast(): (text: string) => void {
	const queryClient = useQueryClient();
	const origin = useOrigin();
	return (text) => showToast(queryClient, text, origin());
}

export function Toasts() {
	const { data = [] } = useQuery<readonly Toast[]>({
		queryKey: toastsKey,
		queryFn: skipToken,
		gcTime: Number.POSITIVE_INFINITY,
	});
	const { data: caller } = useQuery<{ readonly id: string | null }>({ queryKey: callerKey, queryFn: skipToken });
	const shown = data.filter(({ origin }) => origin === null || origin.callerId === caller?.id);
	return (
		<div className="toasts" role="status" aria-live="polite">
			{shown.map(({ id, text, origin }) => (
				<div key={id} className="toast">
					{text}
					<Elsewhere projectId={origin?.projectId ?? null} />
				</div>
			))}
		</div>
	);
}

/** Names a project that is not the one that is shown. One that was deleted has no name. */
function Elsewhere({ projectId: id }: { readonly projectId: string | null }) {
	const { projectId = null } = useParams({ strict: false });
	const isOther = id !== null && id !== projectId;
	const { data: projects = [] } = useQuery({ ...projectsQuery(useConnection()), enabled: isOther });
	if (!isOther || projects.every((project) => project.id !== id)) return null;
	return ` (${projectElsewhere(id, { projectId, projects })})`;
}
