// The form of an event type, new or known.
import { Button, SegmentedControl, Textarea, TextInput } from "@mantine/core";
import { useRef, useState, type FormEvent, type ReactNode } from "react";

import type { Doubt } from "../../parts/feedback/doubt.ts";
import { Problem } from "../../parts/feedback/problem.tsx";
import { isShownBy, issueOf } from "../../parts/form/issues.ts";
import { JsonEditor } from "../../parts/json/json-editor.tsx";
import { hasBadJson, jsonIssues, PATHS, schemaFor, type Draft } from "./draft.ts";

interface TypeFormProps {
	/** What is kept, or what a new one begins with: the same object until that changes. */
	readonly initial: Draft;
	readonly draft: Draft;
	readonly isNew: boolean;
	readonly isBusy: boolean;
	/** Keeps it from being saved. */
	readonly isBlocked?: boolean;
	readonly error: unknown;
	/** What is said if it is not known whether it was added. */
	readonly doubt?: Doubt;
	/** Shown above the button. */
	readonly children?: ReactNode;
	readonly onChange: (draft: Draft) => void;
	readonly onSubmit: () => void;
}

export function TypeForm(props: TypeFormProps) {
	const { initial, draft, isNew, isBusy, isBlocked = false, error, doubt, children, onChange, onSubmit } = props;
	const [tried, setTried] = useState<Draft | null>(null);
	const isTried = tried === initial;
	const form = useRef<HTMLFormElement>(null);
	const change = (part: Partial<Draft>) => onChange({ ...draft, ...part });
	const nameError =
		isNew && isTried && draft.name.trim() === "" ? "What has happened? For example order.paid" : undefined;
	const isChanged = isNew || JSON.stringify(draft) !== JSON.stringify(initial);
	const submit = (event?: FormEvent) => {
		event?.preventDefault();
		if (isBusy || isBlocked) return;
		setTried(initial);
		if ((isNew && draft.name.trim() === "") || hasBadJson(draft, initial)) {
			requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
		} else if (isChanged) onSubmit();
	};
	const exampleValue = exampleOf(draft);
	return (
		<form ref={form} className="stack" onSubmit={submit} noValidate>
			{isNew && (
				<TextInput
					label="Name"
					description="The type of its events. It cannot be changed later."
					placeholder="order.paid"
					required
					data-autofocus
					autoComplete="off"
					spellCheck={false}
					value={draft.name}
					error={nameError ?? issueOf(error, "name")}
					onChange={({ currentTarget }) => change({ name: currentTarget.value })}
				/>
			)}
			<Textarea
				label="Description"
				description="What such an event means, for those who receive it"
				rows={2}
				value={draft.description}
				error={issueOf(error, "description")}
				onChange={({ currentTarget }) => change({ description: currentTarget.value })}
			/>
			<div className="stack tight">
				<SegmentedControl
					aria-label="Visibility"
					data={[
						{ value: "public", label: "Public" },
						{ value: "internal", label: "Internal" },
					]}
					value={draft.visibility}
					onChange={(value) => change({ visibility: value === "internal" ? "internal" : "public" })}
				/>
				<p className="dim flat" aria-live="polite">
					{draft.visibility === "public"
						? "Customers see it among the event types, and their webhooks can get it."
						: "No customer gets or sees events of this type: only webhooks without a customer do."}
				</p>
			</div>
			<JsonEditor
				label="Example"
				description="Data of such an event: what a test sends, and what the form to send one begins with. Empty for none."
				text={draft.example}
				issues={jsonIssues("example", draft.example, isTried && draft.example !== initial.example, error)}
				onChange={(example) => change({ example })}
				onSubmit={submit}
			/>
			<JsonEditor
				label="Schema"
				description="JSON Schema 2020-12 for the data. Empty to accept any data."
				text={draft.schema}
				issues={jsonIssues("schema", draft.schema, isTried && draft.schema !== initial.schema, error)}
				onChange={(schema) => change({ schema })}
				onSubmit={submit}
			/>
			{draft.schema.trim() === "" && exampleValue !== undefined && (
				<div className="bar">
					<Button
						size="compact-sm"
						variant="default"
						onClick={() => change({ schema: JSON.stringify(schemaFor(exampleValue), null, 2) })}
					>
						Begin with a schema that the example fits
					</Button>
				</div>
			)}
			{error !== null && !isShownBy(error, PATHS) && (
				<Problem error={error} what="Not saved. Nothing that you typed is lost." doubt={doubt} />
			)}
			{children}
			<div className="bar">
				<Button type="submit" loading={isBusy} disabled={!isChanged || isBlocked}>
					{isNew ? "Add the event type" : "Save"}
				</Button>
				{!isNew && isChanged && (
					<Button variant="default" onClick={() => onChange(initial)}>
						Undo the changes
					</Button>
				)}
			</div>
		</form>
	);
}

/** The example as a value, to make a schema of; undefined if there is none that can be read. */
function exampleOf({ example }: Draft): unknown {
	try {
		return example.trim() === "" ? undefined : JSON.parse(example);
	} catch {
		return undefined;
	}
}
