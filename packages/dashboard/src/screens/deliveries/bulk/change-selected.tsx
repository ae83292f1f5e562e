// The question before selected deliveries are retried or cancelled: how many, and which of the selection stay as they are.
import { Confirm } from "../../../parts/feedback/confirm.tsx";
import { counted } from "../../../parts/text/format.ts";
import { EXPLAINED, VERBS, type Action } from "./actions.ts";

interface ChangeSelectedProps {
	readonly action: Action;
	readonly amount: number;
	/** How many of the selected ones it does not change. */
	readonly others: number;
	readonly onConfirm: () => void;
	readonly onClose: () => void;
}

export function ChangeSelected({ action, amount, others, onConfirm, onClose }: ChangeSelectedProps) {
	return (
		<Confirm
			isOpen
			title={`${VERBS[action]} deliveries?`}
			verb={`${VERBS[action]} ${counted(amount, "delivery", "deliveries")}`}
			isDangerous={action === "cancel"}
			isBusy={false}
			onConfirm={onConfirm}
			onClose={onClose}
		>
			<p className="flat">{EXPLAINED[action]}</p>
			{others > 0 && (
				<p className="flat dim">
					{`${counted(others, "other of the selection stays as it is", "others of the selection stay as they are")}: ${OTHERS[action]}`}
				</p>
			)}
		</Confirm>
	);
}

/** What of the selected ones an action does not change. */
const OTHERS = {
	retry: "what has succeeded can be replayed, and what is held is sent when its webhook is resumed.",
	cancel: "only what is Pending or Held can be cancelled.",
} as const;
