// What each webhook of the list has done in the last 24 hours. One call has it for a hundred webhooks, and is made when one of them is seen.
import type { ProjectHandle, Webhook } from "@fanfare/sdk";
import { useInViewport } from "@mantine/hooks";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";

import { Sparkline } from "../../parts/chart/sparkline.tsx";
import { share } from "../../parts/text/format.ts";
import { useProject } from "../../session/caller.ts";

/** The most that one call may name. */
const MOST_IDS = 100;

/** The ids that are asked for in one call, by each of them. */
export type Batches = ReadonlyMap<string, readonly string[]>;

/** Puts webhooks into batches that neither a filter nor another order changes. */
export function useBatches(...lists: readonly (readonly Webhook[])[]): Batches {
	// As one text, so that an answer with the same webhooks makes no other batches.
	const all = [...new Set(lists.flatMap((webhooks) => webhooks.map(({ id }) => id)))].toSorted().join(",");
	return useMemo(() => {
		const ids = all === "" ? [] : all.split(",");
		const batches = new Map<string, readonly string[]>();
		for (let start = 0; start < ids.length; start += MOST_IDS) {
			const batch = ids.slice(start, start + MOST_IDS);
			for (const id of batch) batches.set(id, batch);
		}
		return batches;
	}, [all]);
}

function lastDayQuery(project: ProjectHandle, ids: readonly string[]) {
	return queryOptions({
		queryKey: ["project", project.id, "stats", "webhooks", ids.join(",")],
		queryFn: async ({ signal }) => {
			const { data } = await project.batch.webhooks.statsOf(ids, { width: "hour" }, { signal });
			return new Map(data.map(({ webhookId, attempts }) => [webhookId, attempts]));
		},
		staleTime: 30_000,
	});
}

/** The attempts of one webhook as a small chart; a dash if they can't be had. */
export function LastDay({ webhook: { id }, batches }: { readonly webhook: Webhook; readonly batches: Batches }) {
	const { ref, inViewport } = useInViewport();
	const batch = batches.get(id) ?? [id];
	const { data, isError } = useQuery({ ...lastDayQuery(useProject(), batch), enabled: inViewport });
	const attempts = data?.get(id);
	return (
		<div className="spark-cell" ref={ref}>
			{attempts !== undefined && (
				<>
					<Sparkline good={attempts.succeeded} bad={attempts.failed} span="24 hours" />
					<Success {...attempts} />
				</>
			)}
			{attempts === undefined && (isError || data !== undefined) && <span className="dim none">–</span>}
		</div>
	);
}

/** The share of attempts that succeeded; nothing if none was made. */
function Success({ succeeded, failed }: { readonly succeeded: readonly number[]; readonly failed: readonly number[] }) {
	const [good, bad] = [succeeded, failed].map((counts) => counts.reduce((sum, count) => sum + count, 0));
	if (good === undefined || bad === undefined || good + bad === 0) return null;
	return <div className={`spark-share num ${bad === 0 ? "dim" : "text-bad"}`}>{share(good, good + bad)}</div>;
}
