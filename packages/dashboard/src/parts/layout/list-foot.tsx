// The end of a list that is loaded in pages: more is loaded when somebody comes near it. A search that finds few rows goes on by itself,
// says how far it has come, and can be stopped.
import { Button } from "@mantine/core";
import { useEffect, useRef, useState, type ReactNode } from "react";

import { Problem } from "../feedback/problem.tsx";
import type { ListPage } from "../list/pages.ts";
import { count } from "../text/format.ts";
import { formatTime, useZone } from "../text/zone.ts";

/** A search goes on until it has found so many rows more. */
const WANTED_ROWS = 100;
/** A browser holds no more rows of a list than this, if another list can go on. */
const MOST_ROWS = 5_000;
/** How near the end is to the window when more is loaded. */
const NEAR = "600px 0px";

interface ListQuery {
	readonly data: { readonly pages: readonly Pick<ListPage<unknown>, "data" | "scannedTo">[] } | undefined;
	readonly error: Error | null;
	readonly hasNextPage: boolean;
	readonly isFetching: boolean;
	readonly isError: boolean;
}

interface ListFootProps {
	/** As `usePages` returns it. */
	readonly list: {
		readonly query: ListQuery;
		/** What is kept back, which the list does not show. */
		readonly newer: { readonly rows: readonly unknown[] };
		readonly hasFailedNext: boolean;
		readonly loadMore: () => Promise<void>;
		readonly isLoadingMore: boolean;
	};
	readonly shown: number;
	/** What the button does. Defaults to `Show older`. */
	readonly more?: string;
	/** Whether only the button loads more, since most of what is loaded is not shown. */
	readonly isByHand?: boolean;
	/** A link to a list that begins where this one ends; false if there is none, for example since all rows are of the same time. */
	readonly older?: ReactNode;
}

/** Give it the filter as its `key`: another search begins anew. */
export function ListFoot({ list, shown, more = "Show older", isByHand = false, older = false }: ListFootProps) {
	const { data, error, hasNextPage, isFetching, isError } = list.query;
	const { loadMore, isLoadingMore } = list;
	const pages = data?.pages ?? [];
	const end = useRef<HTMLDivElement>(null);
	/** How many pages there were when somebody wanted more: by the button, or by coming near the end. */
	const [wantedAt, setWantedAt] = useState(0);
	const [isStopped, setStopped] = useState(false);
	const [zone] = useZone();
	const reached = hasNextPage ? (pages.at(-1)?.scannedTo ?? null) : null;
	const found = pages.slice(wantedAt).reduce((sum, page) => sum + page.data.length, 0);
	const isSearching = reached !== null && found < WANTED_ROWS && !isStopped && !isError;
	const pageCount = pages.length;
	// After each page: an answer may come before anything was rendered since it was asked for.
	useEffect(() => {
		if (isSearching && !isFetching) void loadMore();
	}, [isSearching, isFetching, pageCount, loadMore]);
	const isFull = shown >= MOST_ROWS && older !== false;
	const isWaiting = hasNextPage && reached === null && !isFetching && !isError && !isByHand && !isFull;
	// A new observer for each page looks at once: it sees the list as it is with all of its rows.
	useEffect(() => {
		if (!isWaiting || end.current === null) return;
		const look = (entries: readonly IntersectionObserverEntry[]) => {
			if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
			setWantedAt(pageCount);
			void loadMore();
		};
		const observer = new IntersectionObserver(look, { rootMargin: NEAR });
		observer.observe(end.current);
		return () => observer.disconnect();
	}, [isWaiting, pageCount, loadMore]);
	if (!hasNextPage) {
		const all = shown === 1 ? "That is the only one." : `All ${count(shown)} are shown.`;
		const old = `${count(shown)} ${shown === 1 ? "is" : "are"} shown, and none is older.`;
		return <>{list.newer.rows.length === 0 ? all : old}</>;
	}
	const goOn = () => {
		setWantedAt(pageCount);
		setStopped(false);
		return loadMore();
	};
	if (list.hasFailedNext) return <Problem error={error} what="More could not be loaded" onRetry={goOn} />;
	if (isFull) {
		return (
			<div className="bar">
				<span>{`${count(shown)} are shown.`}</span>
				{older}
			</div>
		);
	}
	if (reached === null) {
		return (
			<div ref={end}>
				<Button variant="subtle" size="xs" loading={isLoadingMore} onClick={() => void goOn()}>
					{more}
				</Button>
			</div>
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
				<Button variant="subtle" size="xs" loading={isLoadingMore} onClick={() => void goOn()}>
					Search on
				</Button>
			)}
		</div>
	);
}
