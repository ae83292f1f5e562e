// The webhook that the drawer edits: loaded by itself, since it can leave the list while somebody types.
import type { Webhook } from "@fanfare/sdk";
import { useQuery } from "@tanstack/react-query";

import { useProject } from "../../../session/caller.ts";
import { mayBeThere, webhookQuery } from "../../webhook/queries.ts";

export interface Subject {
	readonly subject: "new" | Webhook | null;
	/** Why it could not be loaded. */
	readonly error: Error | null;
}

/** What the form of the address is for. `listed` is what the list knows of it, if it is there: shown until it has been loaded, and kept. */
export function useSubject(form: string | undefined, listed: Webhook | undefined): Subject {
	const isOld = form !== undefined && form !== "new";
	const { data, error } = useQuery({
		...webhookQuery(useProject(), form ?? ""),
		enabled: (query) => isOld && mayBeThere(query),
		initialData: listed,
		// It is fetched at once, and stays if that fails.
		initialDataUpdatedAt: 0,
	});
	if (form === "new") return { subject: "new", error: null };
	if (!isOld) return { subject: null, error: null };
	return { subject: data ?? null, error: data === undefined ? error : null };
}
