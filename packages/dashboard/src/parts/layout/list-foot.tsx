// The end of a list that is loaded in pages.
import { Button } from "@mantine/core";

import { count } from "../text/format.ts";

interface ListFootProps {
	readonly query: {
		readonly hasNextPage: boolean;
		readonly isFetchingNextPage: boolean;
		readonly fetchNextPage: () => Promise<unknown>;
	};
	readonly shown: number;
	/** What the button does. Defaults to `Show older`. */
	readonly more?: string;
}

export function ListFoot({ query, shown, more = "Show older" }: ListFootProps) {
	const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
	if (!hasNextPage) return <>{shown === 1 ? "That is the only one." : `All ${count(shown)} that match are shown.`}</>;
	return (
		<Button variant="subtle" size="xs" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
			{more}
		</Button>
	);
}
