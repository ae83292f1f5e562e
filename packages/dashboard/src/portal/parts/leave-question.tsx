// Asks before somebody leaves a secret that is shown only once, or is about to be: by a link, by Back, or by closing the tab.
import { useLeaving, type Stage } from "../../parts/feedback/stage.ts";
import { useTexts } from "../texts/reader.tsx";
import { Ask } from "./form/ask.tsx";
import { Note } from "./note.tsx";

/** To be placed where the secret is. What leads away in the end, such as a button Done, navigates with `ignoreBlocker`. */
export function LeaveQuestion({ stage }: { readonly stage: Stage }) {
	const { secret: texts } = useTexts();
	const { isAsked, leave, stay } = useLeaving(stage);
	if (!isAsked) return null;
	return (
		<Ask action={texts.leave} cancel={texts.stay} kind="danger" isBusy={false} onAgree={leave} onCancel={stay}>
			<Note tone="warn" title={texts.leaveAsk}>
				<p>{stage === "working" ? texts.leaveWorking : texts.leaveOnce}</p>
			</Note>
		</Ask>
	);
}
