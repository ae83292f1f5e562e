// The end of a list that is loaded in pages. A search that finds few rows goes on by itself, says how far it has come, and can be stopped.
import { Button } from "@mantine/core";
import { useEffect, useState } from "react";

import { count } from "../text/format.ts";
import { formatTime, useZone } from "../text/zone.ts";

/** A search goes on until it has found so many rows more. */
const WANTED_ROWS = 100;

/** A page of a list. */
interface ListPage {
	readonly data: readonly unknown[];
	/** How far the server has looked, in milliseconds since the epoch, if it has found fewer rows than were asked for; otherwise null. */
	readonly scannedTo: number | null;
}

interface ListFootProps {
	readonly query: {
		readonly data: { readonly pages: readonly ListPage[] } | undefined;
		readonly hasNextPage: boolean;
		readonly isFetching: boolean;
		readonly isFetchingNextPage: boolean;
		readonly isError: boolean;
		readonly fetchNextPage: () => Promise<unknown>;
	};
	readonly shown: number;
	/** What the button does. Defaults to `Show older`. */
	readonly more?: string;
}

/** Give it the filter as its `key`: another search begins anew. */
export function ListFoot({ query, shown, more = "Show older" }: ListFootProps) {
	const { data, hasNextPage, isFetching, isFetchingNextPage, isError, fetchNextPage } = query;
	const pages = data?.pages ?? [];
	/** How many pages there were when somebody wanted more. */
	const [wantedAt, setWantedAt] = useState(0);
	const [isStopped, setStopped] = useState(false);
	const [zone] = useZone();
	const reached = hasNextPage ? (pages.at(-1)?.scannedTo ?? null) : null;
	const found = pages.slice(wantedAt).reduce((sum, page) => sum + page.data.length, 0);
	const isSearching = reached !== null && found < WANTED_ROWS && !isStopped && !isError;
	useEffect(() => {
		if (isSearching && !isFetching) void fetchNextPage();
	}, [isSearching, isFetching, fetchNextPage]);
	if (!hasNextPage) return <>{shown === 1 ? "That is the only one." : `All ${count(shown)} that match are shown.`}</>;
	const goOn = () => {
		setWantedAt(pages.length);
		setStopped(false);
		void fetchNextPage();
	};
	if (reached === null) {
		return (
			<Button variant="subtle" size="xs" loading={isFetchingNextPage} onClick={goOn}>
				{more}
			</Button>
		);
	}
	return (
		<div className="bar">
			<span role="status">{`Looked back to ${formatTime(reached, "short", zone)}: ${count(shown)} found so far.`}</span>
			{isSearching ? (
				<Button variant="subtle" size="xs" onClick={() => setStopped(true)}>
					Stop
				</Button>
			) : (
				<Button variant="subtle" size="xs" loading={isFetchingNextPage} onClick={goOn}>
					Search on
				</Button>
			)}
		</div>
	);
}
