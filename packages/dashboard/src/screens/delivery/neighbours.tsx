// The deliveries before and after one in the list that it was opened from.
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useEffectEvent, useState } from "react";

import type { DeliveriesFilter } from "../../app/search.ts";
import { usePages } from "../../parts/list/use-pages.ts";
import { useProject } from "../../session/caller.ts";
import { useShortcuts } from "../../shell/shortcuts/use-shortcuts.ts";
import { deliveriesQuery } from "../deliveries/queries.ts";

interface NeighboursProps {
	readonly deliveryId: string;
	/** The filter of the list. */
	readonly filter: DeliveriesFilter;
}

export function Neighbours({ deliveryId, filter }: NeighboursProps) {
	const project = useProject();
	const navigate = useNavigate();
	const list = usePages(deliveriesQuery(project, filter), { dateOf: ({ createDate }) => createDate });
	const ids = list.rows?.map(({ id }) => id) ?? [];
	const index = ids.indexOf(deliveryId);
	// Where it is, or was before it left the list, such as by a retry: the next one is there now.
	const [place, setPlace] = useState<{ readonly id: string; readonly index: number } | null>(null);
	if (index !== -1 && (place?.id !== deliveryId || place.index !== index)) setPlace({ id: deliveryId, index });
	const at = index !== -1 ? index : place?.id === deliveryId ? place.index : null;
	const former = at === null ? undefined : ids[at - 1];
	const next = at === null ? undefined : ids[index === -1 ? at : at + 1];
	const isLast = at !== null && next === undefined;
	const { data, hasNextPage, isFetching } = list.query;
	const isWanting = isLast && hasNextPage && !isFetching && !list.hasFailedNext;
	const loadMore = useEffectEvent(() => void list.loadMore());
	const pageCount = data?.pages.length;
	// After each page, of which some have no rows where few match.
	useEffect(() => {
		if (isWanting) loadMore();
	}, [isWanting, pageCount]);
	const linkTo = (id: string) =>
		({
			to: "/$projectId/deliveries/$deliveryId",
			params: { projectId: project.id, deliveryId: id },
			search: filter,
		}) as const;
	// One step back leads to the list, however many deliveries were looked at.
	const go = (id: string | undefined) => () => {
		if (id !== undefined) void navigate({ ...linkTo(id), replace: true });
	};
	useShortcuts({ j: go(next), k: go(former) });
	if (former === undefined && next === undefined) return null;
	return (
		<nav className="bar" aria-label="Other deliveries of the list">
			{former !== undefined && (
				<Link className="link" {...linkTo(former)} replace>
					‹ Previous
				</Link>
			)}
			{next !== undefined && (
				<Link className="link" {...linkTo(next)} replace>
					Next ›
				</Link>
			)}
		</nav>
	);
}
