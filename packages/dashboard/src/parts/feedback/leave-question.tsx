// Asks before somebody leaves what is shown only once, or is about to be: by Back, a link, the palette, or by closing the tab.
import { Button } from "@mantine/core";

import { Dialog } from "../layout/dialog.tsx";
import { useLeaving, type Stage } from "./stage.ts";

interface LeaveQuestionProps {
	readonly stage: Stage;
	/** What would be lost, such as `secret`. */
	readonly thing: string;
}

/**
 * To be placed beside a form whose call returns what is shown once. What leads away in the end, such as a button Done that changes the
 * address, navigates with `ignoreBlocker`.
 */
export function LeaveQuestion({ stage, thing }: LeaveQuestionProps) {
	const { isAsked, leave, stay } = useLeaving(stage);
	return (
		<Dialog isOpen={isAsked} onClose={stay} title={`Leave without the ${thing}?`} hasCloseButton={false}>
			<div className="stack">
				<p className="flat">
					{stage === "working"
						? `The ${thing} is being made. It will be shown here, this once: nobody can read it later.`
						: `The ${thing} is shown this once. Nobody can read it later: copy it before you leave.`}
				</p>
				<div className="bar end">
					<Button variant="default" onClick={leave}>
						Leave
					</Button>
					<Button data-autofocus onClick={stay}>
						Stay
					</Button>
				</div>
			</div>
		</Dialog>
	);
}
