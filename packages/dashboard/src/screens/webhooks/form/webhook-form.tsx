// The form of a webhook: the address first, everything that has a good default behind a fold.
import { Button, Textarea, TagsInput, TextInput } from "@mantine/core";
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";

import type { Doubt } from "../../../parts/feedback/doubt.ts";
import { Problem } from "../../../parts/feedback/problem.tsx";
import { isShownBy, issueOf } from "../../../parts/form/issues.ts";
import { counted } from "../../../parts/text/format.ts";
import { useEventTypes } from "../queries.ts";
import { errorsOf, nameFor, PATHS, type Draft, type Errors } from "./draft.ts";

interface WebhookFormProps {
	readonly draft: Draft;
	readonly isNew: boolean;
	readonly verb: string;
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

export function WebhookForm(props: WebhookFormProps) {
	const { draft, isNew, verb, isBusy, isBlocked = false, error, doubt, children, onChange: setDraft, onSubmit } = props;
	const [errors, setErrors] = useState<Errors>({});
	const { data: types = [] } = useEventTypes();
	const form = useRef<HTMLFormElement>(null);
	// To the first field that is wrong, also if it is far up or behind the fold.
	useEffect(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus(), [error, errors]);
	const submit = (event: FormEvent) => {
		event.preventDefault();
		if (isBusy || isBlocked) return;
		const found = errorsOf(draft);
		setErrors(found);
		if (Object.values(found).every((message) => message === undefined)) onSubmit();
	};
	/** The value and the error of a field that holds text. */
	const field = <Name extends Exclude<keyof Draft, "eventTypes">>(name: Name) => ({
		value: draft[name],
		error: errors[name] ?? issueOf(error, PATHS[name]),
		onChange: ({ currentTarget }: { readonly currentTarget: { readonly value: string } }) =>
			setDraft({ ...draft, [name]: currentTarget.value }),
	});
	const hasHiddenIssue = FOLDED.some((name) => errors[name] !== undefined || issueOf(error, PATHS[name]) !== undefined);
	const names = types.map(({ name }) => name);
	return (
		<form ref={form} className="stack" onSubmit={submit} noValidate>
			<TextInput
				label="Endpoint URL"
				description="Events are sent to it by POST, signed with the webhook's secret."
				placeholder="https://example.com/webhooks"
				required
				data-autofocus
				inputMode="url"
				autoComplete="off"
				spellCheck={false}
				{...field("endpoint")}
			/>
			<TextInput
				label="Name"
				placeholder={nameFor({ ...draft, name: "" }) || "The host of the URL"}
				maxLength={128}
				{...field("name")}
			/>
			<TagsInput
				label="Event types"
				description={typesText(draft.eventTypes, names)}
				placeholder={draft.eventTypes.length === 0 ? "All types" : ""}
				data={suggestions(names)}
				value={[...draft.eventTypes]}
				clearable
				acceptValueOnBlur
				splitChars={[",", " ", ";"]}
				maxDropdownHeight={220}
				clearButtonProps={{ "aria-label": "Take all types" }}
				error={errors.eventTypes ?? issueOf(error, PATHS.eventTypes)}
				onChange={(eventTypes) => setDraft({ ...draft, eventTypes })}
			/>
			{isNew && (
				<TextInput
					label="Customer"
					description="The id of the customer whom it belongs to. It cannot be changed later. Leave it empty for a webhook of your own."
					{...field("customerId")}
				/>
			)}
			<details className="fold" open={hasHiddenIssue || undefined}>
				<summary>Retries, limits, headers</summary>
				<div className="stack">
					<Textarea label="Description" autosize={false} rows={2} {...field("description")} />
					<div className="pair">
						<TextInput
							label="Retries"
							description="After the first attempt, 0–20"
							inputMode="numeric"
							{...field("maxRetries")}
						/>
						<TextInput label="Longest wait" description="Between two attempts" {...field("maxRetryDelay")} />
					</div>
					<div className="pair">
						<TextInput label="Time limit" description="Of one attempt, 1s–30s" {...field("timeout")} />
						<TextInput
							label="Attempts per second"
							description="Empty for no limit"
							inputMode="decimal"
							{...field("perSecond")}
						/>
					</div>
					<TextInput
						label="Disable after"
						description="So long without a success; 0s for never"
						{...field("disableAfter")}
					/>
					<Textarea
						label="Headers"
						description={
							isNew
								? "Sent with each attempt, one a line. Values are never shown again."
								: "Leave it empty to keep the headers that it has. What you write replaces all of them."
						}
						placeholder="Authorization: Bearer …"
						rows={3}
						spellCheck={false}
						{...field("headers")}
					/>
				</div>
			</details>
			{error !== null && !isShownBy(error, Object.values(PATHS)) && (
				<Problem error={error} what="Not saved. Nothing that you typed is lost." doubt={doubt} />
			)}
			{children}
			<div className="bar">
				<Button type="submit" loading={isBusy} disabled={isBlocked}>
					{verb}
				</Button>
			</div>
		</form>
	);
}

/** The fields behind the fold, which opens if one of them is wrong. */
const FOLDED = [
	"description",
	"maxRetries",
	"maxRetryDelay",
	"timeout",
	"perSecond",
	"disableAfter",
	"headers",
] as const;

/** The types and the prefixes that they share, such as `order.*`. */
function suggestions(names: readonly string[]): string[] {
	const prefixes = names.flatMap((name) => (name.includes(".") ? [`${name.slice(0, name.lastIndexOf("."))}.*`] : []));
	return [...new Set([...prefixes, ...names])].sort();
}

function typesText(chosen: readonly string[], names: readonly string[]): string {
	if (chosen.length === 0) return "It gets events of all types. Write exact names, or a prefix such as order.*";
	if (names.length === 0) return "Exact names, or a prefix such as order.*";
	const isMatch = (name: string) =>
		chosen.some((one) => (one.endsWith(".*") ? name.startsWith(one.slice(0, -1)) : one === name));
	return `Matches ${names.filter(isMatch).length} of the ${counted(names.length, "event type")} of this project`;
}
