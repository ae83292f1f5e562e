// Erases the payload of an event, after a question.
import type { Event } from "@fanfare/sdk";
import { useQueryClient } from "@tanstack/react-query";

import { Confirm } from "../../parts/feedback/confirm.tsx";
import { useCall } from "../../parts/feedback/use-call.ts";
import { counted } from "../../parts/text/format.ts";
import { useProject } from "../../session/caller.ts";

interface EraseDataProps {
	readonly event: Pick<Event, "id" | "type">;
	readonly isOpen: boolean;
	readonly onClose: () => void;
}

export function EraseData({ event, isOpen, onClose }: EraseDataProps) {
	const project = useProject();
	const queryClient = useQueryClient();
	const erase = useCall({
		mutationFn: () => project.events.eraseData(event.id),
		onSuccess: async ({ cancelledCount }, _, tell) => {
			tell(
				cancelledCount === 0
					? "Erased the payload"
					: `Erased the payload, and cancelled ${counted(cancelledCount, "delivery", "deliveries")}`,
			);
			onClose();
			await queryClient.invalidateQueries({ queryKey: ["project", project.id] });
		},
	});
	return (
		<Confirm
			isOpen={isOpen}
			title="Erase the payload?"
			verb="Erase the payload"
			isDangerous
			isBusy={erase.isPending}
			error={erase.error}
			failed={`The payload of this ${event.type} was not erased`}
			onConfirm={() => erase.mutateAsync()}
			onClose={onClose}
		>
			The payload of this {event.type} and the answers of receivers are deleted for good, and its waiting deliveries are
			cancelled. The log of attempts stays. It can't be retried or replayed any more.
		</Confirm>
	);
}
