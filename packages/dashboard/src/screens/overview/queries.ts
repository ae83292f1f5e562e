// The stats of a project over a range, in buckets of a width that suits it, and what has arrived.
import type { ProjectHandle, StatsParams } from "@fanfare/sdk";
import { keepPreviousData, queryOptions } from "@tanstack/react-query";

import { rangeStart, type Range } from "../../app/search.ts";

const WIDTHS: Readonly<Record<Range, NonNullable<StatsParams["width"]>>> = {
	"1h": "minute",
	"24h": "hour",
	"7d": "hour",
	"30d": "day",
};

/** The newest delivery that has arrived, with its attempts; null if there is none. */
export function arrivedQuery(project: ProjectHandle) {
	return queryOptions({
		queryKey: ["project", project.id, "arrived"],
		queryFn: async ({ signal }) => {
			const { data } = await project.deliveries.list({ status: "Succeeded", limit: 1 }, { signal });
			return data[0] === undefined ? null : project.deliveries.get(data[0].id, { signal });
		},
	});
}

export function statsQuery(project: ProjectHandle, range: Range) {
	return queryOptions({
		queryKey: ["project", project.id, "stats", "range", range],
		queryFn: ({ signal }) => project.stats({ width: WIDTHS[range], from: rangeStart(range, Date.now()) }, { signal }),
		placeholderData: keepPreviousData,
	});
}
