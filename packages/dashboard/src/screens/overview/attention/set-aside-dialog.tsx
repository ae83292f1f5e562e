// Asks until when an item is set aside, and why.
import type { Webhook } from "@fanfare/sdk";
import { Button, Group, SegmentedControl, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";

import { useFocusBack } from "../../../parts/feedback/use-focus-back.ts";
import { Dialog } from "../../../parts/layout/dialog.tsx";
import { Time } from "../../../parts/text/time.tsx";
import { MOST_NOTE } from "./set-aside.ts";

const HOUR_MS = 3_600_000;
const MORNING = 9;

const CHOICES = [
	{ value: "changes", label: "It changes" },
	{ value: "hour", label: "In an hour" },
	{ value: "tomorrow", label: "Tomorrow" },
	{ value: "week", label: "Next week" },
] as const;
type Choice = (typeof CHOICES)[number]["value"];

interface SetAsideDialogProps {
	readonly webhook: Webhook;
	readonly onSet: (aside: { readonly until: number | null; readonly note: string }) => void;
	readonly onClose: () => void;
}

export function SetAsideDialog({ webhook, onSet, onClose }: SetAsideDialogProps) {
	const [choice, setChoice] = useState<Choice>("changes");
	const [note, setNote] = useState("");
	const [openedAt] = useState(() => Date.now());
	useFocusBack(true);
	const until = endOf(choice, openedAt);
	const submit = (event: FormEvent) => {
		event.preventDefault();
		onSet({ until, note: note.trim() });
	};
	return (
		<Dialog isOpen onClose={onClose} title={`Set aside ${webhook.name} until`}>
			<form className="stack" onSubmit={submit}>
				<SegmentedControl
					fullWidth
					aria-label="Until"
					data={[...CHOICES]}
					value={choice}
					onChange={(value) => setChoice(CHOICES.find((one) => one.value === value)?.value ?? "changes")}
				/>
				<p className="flat dim">
					{until === null ? (
						"It comes back when it fails anew, for another reason, or is paused, disabled or resumed."
					) : (
						<>
							It comes back on <Time at={until} form="day" />, or earlier if it changes.
						</>
					)}{" "}
					Deliveries go on as they do now.
				</p>
				<TextInput
					label="Note"
					placeholder="Such as: the receiver's team knows, ticket 4711"
					description="Kept in this browser, and seen by nobody else."
					maxLength={MOST_NOTE}
					value={note}
					onChange={({ currentTarget }) => setNote(currentTarget.value)}
				/>
				<Group justify="flex-end">
					<Button variant="default" onClick={onClose}>
						Close
					</Button>
					<Button type="submit" data-autofocus>
						Set aside
					</Button>
				</Group>
			</form>
		</Dialog>
	);
}

/** In the reader's own time zone: a morning is theirs. */
function endOf(choice: Choice, now: number): number | null {
	if (choice === "changes") return null;
	if (choice === "hour") return now + HOUR_MS;
	const date = new Date(now);
	// Sunday is 0: the next Monday.
	const days = choice === "tomorrow" ? 1 : (8 - date.getDay()) % 7 || 7;
	date.setDate(date.getDate() + days);
	date.setHours(MORNING, 0, 0, 0);
	return date.getTime();
}
