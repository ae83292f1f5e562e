// Says that there is more to see than the list shows. The list itself never moves by itself.
import { Button } from "@mantine/core";
import { useState } from "react";

import { useLiveItems } from "../../live/use-live.ts";
import { count, counted } from "../../parts/text/format.ts";

/** A busy project that is left open overnight announces no more than this. */
const MOST = 1_000;

interface NewRowsProps {
	readonly projectId: string;
	/** When the list was asked for, in milliseconds since the epoch; 0 before it has come. What was heard of before is in it. */
	readonly since: number;
	/** The events that the list shows. */
	readonly shown: readonly string[];
	/** Whether events count that no webhook wanted, too. */
	readonly isEach?: boolean;
	readonly onShow: () => void;
}

interface Heard {
	readonly at: number;
	readonly eventId: string;
}

export function NewRows({ projectId, since, shown, isEach = false, onShow }: NewRowsProps) {
	const [heard, setHeard] = useState<readonly Heard[]>([]);
	useLiveItems(projectId, (items) => {
		const at = Date.now();
		const added = items.flatMap((item) =>
			item.kind === "event.accepted" && (isEach || item.deliveryCount > 0) ? [{ at, eventId: item.eventId }] : [],
		);
		if (added.length > 0) setHeard((heard) => [...heard.filter((one) => one.at >= since), ...added].slice(-MOST));
	});
	const ids = new Set(shown);
	// While the list is on its way, an event may come that it has, and one that it has not.
	const events = heard.filter(({ at, eventId }) => at >= since && !ids.has(eventId)).length;
	if (events === 0 || since === 0) return null;
	return (
		<div className="new-rows">
			<Button size="compact-sm" variant="light" onClick={onShow}>
				{events < MOST ? counted(events, "new event") : `${count(MOST)} new events or more`} · show
			</Button>
		</div>
	);
}
