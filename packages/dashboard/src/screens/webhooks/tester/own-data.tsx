// The form of a test with an event type and data of one's own. What the server refuses is shown at its field or line.
import type { EventTypeAsText } from "@fanfare/sdk";
import { Autocomplete, Button } from "@mantine/core";
import { useState, type FormEvent } from "react";

import { issueOf } from "../../../parts/form/issues.ts";
import { readJson } from "../../../parts/json/exact-json.ts";
import { JsonEditor } from "../../../parts/json/json-editor.tsx";
import { payloadIssues } from "../../../parts/json/payload-issues.ts";
import { Icon } from "../../../parts/layout/icon.tsx";
import { EMPTY, exampleText } from "../../send/draft.ts";

interface OwnDataProps {
	readonly types: readonly EventTypeAsText[];
	/** The type that was chosen before. */
	readonly initialType: string | null;
	readonly isBusy: boolean;
	readonly error: unknown;
	readonly onChange: () => void;
	readonly onSend: (eventType: string, data: unknown) => void;
}

export function OwnData({ types, initialType, isBusy, error, onChange, onSend }: OwnDataProps) {
	const exampleOf = (type: string) => exampleText(types.find(({ name }) => name === type));
	const [type, setType] = useState(initialType ?? "");
	// The example that was filled in last: as long as the payload is this one, that of another type may replace it.
	const [filledIn, setFilledIn] = useState(() => exampleOf(initialType ?? ""));
	const [text, setText] = useState(filledIn ?? EMPTY.text);
	const [isTried, setTried] = useState(false);
	const json = readJson(text);
	const isTypeMissing = type.trim() === "";
	const chooseType = (name: string) => {
		const isOwn = ![EMPTY.text, "", filledIn].includes(text);
		const example = exampleOf(name);
		setType(name);
		if (!isOwn && example !== null) {
			setText(example);
			setFilledIn(example);
		}
		onChange();
	};
	const submit = (event?: FormEvent) => {
		event?.preventDefault();
		if (isBusy) return;
		setTried(true);
		if (!isTypeMissing && json.error === undefined) onSend(type.trim(), json.value);
	};
	const missing = isTried && isTypeMissing ? "Of which type is it? For example order.paid" : undefined;
	return (
		<form className="stack" onSubmit={submit} noValidate>
			<Autocomplete
				label="Event type"
				description="One of your event types, or another: the webhook need not want it"
				required
				spellCheck={false}
				data={types.map(({ name }) => name)}
				limit={100}
				maxDropdownHeight={260}
				value={type}
				error={missing ?? issueOf(error, "eventType")}
				onChange={chooseType}
			/>
			<JsonEditor
				label="Payload"
				description="The data of the event, as JSON. Numbers keep all their digits."
				text={text}
				issues={payloadIssues(isTried ? json : undefined, json, error)}
				onChange={(changed) => {
					setText(changed);
					onChange();
				}}
				onSubmit={submit}
			/>
			<div className="bar">
				<Button type="submit" size="xs" loading={isBusy} leftSection={<Icon name="send" size={14} />}>
					Send this test
				</Button>
				<span className="dim">It is signed as an event would be, and is not in the log.</span>
			</div>
		</form>
	);
}
