// What a shorter retention would free, before it is saved.
import type { ProjectHandle, ServerSettings } from "@fanfare/sdk";
import { useDebouncedValue } from "@mantine/hooks";
import { queryOptions, useQuery } from "@tanstack/react-query";

import { counted } from "../../parts/text/format.ts";
import { useProject } from "../../session/caller.ts";
import { byteCount } from "./byte-count.ts";
import type { Draft } from "./draft.ts";

const DAY_MS = 86_400_000;
/** So that the server is not asked for every digit. */
const PAUSE_MS = 400;

interface Old {
	/** Deliveries that are older. */
	readonly count: number;
	/** False if there are more: counting is bounded. */
	readonly isComplete: boolean;
	/** Whether there are older events without a delivery, of which there is no count. */
	readonly hasOthers: boolean;
	/** Their part of what the project stores, as if all took the same. */
	readonly bytes: number;
}

/** What is older than so many days. Nothing of it is read: counts and one sum are enough for an estimate. */
function oldQuery(project: ProjectHandle, days: number | null) {
	return queryOptions({
		queryKey: ["project", project.id, "older-than", days],
		queryFn: async ({ signal }): Promise<Old> => {
			const before = Date.now() - (days ?? 0) * DAY_MS;
			const { count, complete } = await project.deliveries.count({ before }, { signal });
			const hasOthers = count === 0 && (await project.events.list({ before, limit: 1 }, { signal })).data.length > 0;
			const { deliveries } = await project.stats({}, { signal });
			const { storedBytes } = await project.usage({ signal });
			const all = Object.values(deliveries).reduce((sum, some) => sum + some, 0);
			return { count, hasOthers, isComplete: complete, bytes: all === 0 ? 0 : storedBytes * Math.min(1, count / all) };
		},
		enabled: days !== null,
		staleTime: 30_000,
	});
}

interface FreedProps {
	readonly draft: Draft;
	readonly before: Draft;
	/** What applies where a draft is empty; undefined until it is known. */
	readonly server: ServerSettings | undefined;
}

/** Nothing unless the draft keeps events or payloads for fewer days than before. */
export function Freed({ draft, before, server }: FreedProps) {
	const events = shorterDays(draft.retentionDays, before.retentionDays, server?.retentionDays);
	const payloads = shorterDays(draft.payloadRetentionDays, before.payloadRetentionDays, server?.payloadRetentionDays);
	return (
		<div aria-live="polite">
			{events !== null && <Estimate days={events} what="Events" isAll />}
			{payloads !== null && (events === null || payloads < events) && (
				<Estimate days={payloads} what="Payloads" isAll={false} />
			)}
		</div>
	);
}

interface EstimateProps {
	readonly days: number;
	readonly what: "Events" | "Payloads";
	/** Whether all that is stored of them goes. The log of an event stays without its payload. */
	readonly isAll: boolean;
}

function Estimate({ days, what, isAll }: EstimateProps) {
	const [asked] = useDebouncedValue(days, PAUSE_MS);
	const { data: old, isError } = useQuery(oldQuery(useProject(), asked));
	if (isError) return null;
	if (old === undefined || asked !== days) return <p className="dim flat">Counting what is older…</p>;
	if (old.hasOthers) {
		return (
			<p className="note warn flat">
				<span>
					{what}: frees events without deliveries that are older than {counted(days, "day")}. It cannot be undone.
				</span>
			</p>
		);
	}
	if (old.count === 0) return <p className="dim flat">{what}: nothing is older, so saving this frees nothing now.</p>;
	const about = `${isAll ? "about" : "up to about"} ${byteCount(old.bytes)}`;
	return (
		<p className="note warn flat">
			<span>
				{what}: frees {old.isComplete ? about : `more than ${byteCount(old.bytes)}`}, of{" "}
				{counted(old.count, "delivery", "deliveries")}
				{old.isComplete ? "" : " or more"} older than {counted(days, "day")}. It cannot be undone.
			</span>
		</p>
	);
}

/** The days of the draft if they are fewer than before; null otherwise. Empty is the server's setting, and 0 is for ever. */
function shorterDays(draft: string, before: string, server = 0): number | null {
	const text = draft.trim();
	if (!/^\d{0,6}$/.test(text) || text === before) return null;
	const daysOf = (typed: string) => (typed === "" ? server : Number(typed));
	const [days, former] = [daysOf(text), daysOf(before)];
	return days > 0 && (former === 0 || days < former) ? days : null;
}
