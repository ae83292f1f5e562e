// Says that there is more to see than the list shows. The list itself never moves by itself.
import { Button } from "@mantine/core";

import { MOST_HEARD, type HeardEvent } from "../../live/live-feed.ts";
import { useHeardEvents } from "../../live/use-live.ts";
import { count, counted } from "../../parts/text/format.ts";

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

export function NewRows({ projectId, since, shown, isEach = false, onShow }: NewRowsProps) {
	const heard = useHeardEvents(projectId);
	const ids = new Set(shown);
	// While the list is on its way, an event may come that it has, and one that it has not.
	const isNew = ({ at, eventId, deliveryCount }: HeardEvent) =>
		at >= since && !ids.has(eventId) && (isEach || deliveryCount > 0);
	const events = heard.filter(isNew).length;
	if (events === 0 || since === 0) return null;
	return (
		<div className="new-rows">
			<Button size="compact-sm" variant="light" onClick={onShow}>
				{events < MOST_HEARD ? counted(events, "new event") : `${count(MOST_HEARD)} new events or more`} · show
			</Button>
		</div>
	);
}
