// Who would get an event, as the server says.
import type { ProjectHandle, Routing, RoutingReason } from "@fanfare/sdk";
import { queryOptions } from "@tanstack/react-query";

import type { Draft } from "./draft.ts";

/** So many of those who get it are shown. */
export const SHOWN = 20;
/** Of up to 1,000 webhooks each. */
const MOST_PAGES = 5;
/** A send that names a webhook which the event can't reach is refused. */
const UNREACHABLE: ReadonlySet<RoutingReason> = new Set(["other_customer", "internal_type"]);

export interface Match {
	/** How many webhooks would get the event. */
	readonly count: number;
	/** Of those, as many as were looked at. */
	readonly recipients: readonly Routing[];
	/** Named webhooks which the event can't reach. */
	readonly unreachable: readonly Routing[];
}

type Audience = Pick<Draft, "type" | "audience" | "customerIds" | "webhookIds">;

/** What the server says about an event of this type for these customers, or to the webhooks that are named. */
export function matchQuery(project: ProjectHandle, { type, audience, customerIds, webhookIds }: Audience) {
	const isForSome = audience === "customers" && customerIds.length > 0;
	const event = {
		type,
		...(audience === "all" && { customerIds: "*" as const }),
		...(isForSome && { customerIds }),
	};
	return queryOptions({
		queryKey: ["project", project.id, "match", event, webhookIds],
		queryFn: async ({ signal }): Promise<Match> => {
			const named = new Set(webhookIds);
			const rows: Routing[] = [];
			let matchedCount = 0;
			let page: string | null = null;
			for (let pages = 0; pages < MOST_PAGES; pages++) {
				const answer = await project.events.match({ ...event, ...(page !== null && { page }) }, { signal });
				matchedCount = answer.matchedCount;
				page = answer.nextPage;
				rows.push(...answer.data.filter(({ webhookId, gets }) => (named.size === 0 ? gets : named.has(webhookId))));
				if (page === null || rows.length >= (named.size === 0 ? SHOWN : named.size)) break;
			}
			if (named.size === 0) return { count: matchedCount, recipients: rows, unreachable: [] };
			const recipients = rows.filter(({ reason }) => !UNREACHABLE.has(reason));
			const unreachable = rows.filter(({ reason }) => UNREACHABLE.has(reason));
			return { count: recipients.length, recipients, unreachable };
		},
		enabled: type !== "",
	});
}
