// Says that there is more to see than the list shows. The list itself never moves by itself.
import { Button } from "@mantine/core";
import { useEffect, useState } from "react";

import { MOST_HEARD, type HeardEvent } from "../../live/live-feed.ts";
import { useHeardEvents, useLivePause } from "../../live/use-live.ts";
import { counted } from "../../parts/text/format.ts";

interface NewRowsProps {
	readonly projectId: string;
	/** What a row is called, and several of them. */
	readonly words: readonly [one: string, many: string];
	/** As `usePages` returns it. */
	readonly list: {
		readonly newer: { readonly rows: readonly unknown[]; readonly hasMore: boolean; readonly askedAt: number };
		readonly query: { readonly refetch: () => Promise<unknown> };
		readonly showNewest: () => Promise<void>;
	};
	/** How many rows an event brings that was accepted after the list was asked for. Null for a list of which events don't tell that. */
	readonly rowsOf: ((event: HeardEvent) => number) | null;
}

export function NewRows({ projectId, words: [one, many], list, rowsOf }: NewRowsProps) {
	const { rows, hasMore, askedAt } = list.newer;
	const [isBusy, setBusy] = useState(false);
	const heard = useHeardEvents(projectId).filter(({ at }) => at >= askedAt);
	// Before the list has come, there is nothing to compare with.
	const newer =
		askedAt === 0 ? 0 : heard.reduce((sum, event) => sum + (rowsOf === null ? 0 : rowsOf(event)), rows.length);
	// Of those before them nothing is known any more, but the server has them.
	const isForgotten = rowsOf !== null && askedAt > 0 && heard.length === MOST_HEARD;
	const isMore = hasMore || isForgotten;
	const [isPaused] = useLivePause(projectId);
	const { refetch } = list.query;
	useEffect(() => {
		if (isForgotten && !isPaused) void refetch();
	}, [isForgotten, isPaused, askedAt, refetch]);
	const show = async () => {
		// The button is gone then. The keyboard goes on here, and j and k go on from the same row.
		document.querySelector<HTMLElement>("#content h1")?.focus({ preventScroll: true });
		setBusy(true);
		window.scrollTo(0, 0);
		await list.showNewest();
		setBusy(false);
	};
	return (
		<>
			{/* Only that there are some: on a busy project the number changes all the time. */}
			<span className="unseen" role="status">
				{newer > 0 && `There are newer ${many}.`}
			</span>
			{newer > 0 && (
				<div className="new-rows">
					<Button size="compact-sm" variant="light" loading={isBusy} onClick={() => void show()}>
						{`${isMore ? "More than " : ""}${counted(newer, `newer ${one}`, `newer ${many}`)} · show`}
					</Button>
				</div>
			)}
		</>
	);
}
