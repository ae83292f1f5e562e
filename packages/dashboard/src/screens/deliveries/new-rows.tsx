// Says that there is more to see than the list shows. The list itself never moves by itself.
import { Button } from "@mantine/core";
import { useState } from "react";

import { useLiveItems } from "../../live/use-live.ts";
import { counted } from "../../parts/text/format.ts";

interface NewRowsProps {
	readonly projectId: string;
	/** When the list was loaded, in milliseconds since the epoch: older events are in it. */
	readonly since: number;
	/** Whether events count that no webhook wanted, too. */
	readonly isEach?: boolean;
	readonly onShow: () => void;
}

export function NewRows({ projectId, since, isEach = false, onShow }: NewRowsProps) {
	const [seen, setSeen] = useState({ since, events: 0 });
	const events = seen.since === since ? seen.events : 0;
	useLiveItems(projectId, (items) => {
		const added = items.filter((item) => item.kind === "event.accepted" && (isEach || item.deliveryCount > 0)).length;
		if (added > 0 && since > 0) setSeen({ since, events: events + added });
	});
	if (events === 0) return null;
	return (
		<div className="new-rows">
			<Button
				size="compact-sm"
				variant="light"
				onClick={() => {
					setSeen({ since, events: 0 });
					onShow();
				}}
			>
				{counted(events, "new event")} · show
			</Button>
		</div>
	);
}
