// The form of a project's settings.
import type { UpdateProject } from "@fanfare/sdk";
import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState, type FormEvent } from "react";

import { useWatchedCall } from "../../parts/feedback/late-failures.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { useCall } from "../../parts/feedback/use-call.ts";
import { editOf } from "../../parts/form/edit/edit.ts";
import { useTakeBack } from "../../parts/form/edit/unsaved.ts";
import { isShownBy, issueOf } from "../../parts/form/issues.ts";
import { useConnection } from "../../session/caller.ts";
import { draftOf, errorsOf, PATHS, takeBack, toUpdate, type Draft } from "./draft.ts";
import { Freed } from "./freed.tsx";
import { projectQuery, settingsOf, type Limit, type ProjectSettings } from "./project-query.ts";

interface Field {
	readonly limit: Limit;
	readonly label: string;
	readonly about: string;
}

const GROUPS: readonly { readonly title: string; readonly fields: readonly Field[] }[] = [
	{
		title: "How long things are kept",
		fields: [
			{ limit: "retentionDays", label: "Events", about: "Days, with their deliveries and attempts; 0 for ever" },
			{
				limit: "payloadRetentionDays",
				label: "Payloads",
				about: "Days, with the answers of receivers; 0 for as long as the event",
			},
		],
	},
	{
		title: "Quotas",
		fields: [
			{ limit: "maxEventsPerSecond", label: "Events a second", about: "On average; 0 for no quota" },
			{ limit: "maxStoredBytes", label: "Stored bytes", about: "0 for no quota of its own" },
		],
	},
	{
		title: "What each customer may have",
		fields: [
			{ limit: "maxWebhooksPerCustomer", label: "Webhooks", about: "At least 1" },
			{ limit: "maxReplaysPerCustomer", label: "Replays at once", about: "At least 1" },
			{ limit: "maxStreamsPerCustomer", label: "Live streams", about: "At least 1" },
			{ limit: "maxTestsPerCustomer", label: "Tests under way", about: "At least 1" },
		],
	},
];

interface Save {
	readonly sent: Draft;
	readonly changes: UpdateProject;
}

export function SettingsForm({
	settings,
	mayChange,
}: {
	readonly settings: ProjectSettings;
	readonly mayChange: boolean;
}) {
	const connection = useConnection();
	const queryClient = useQueryClient();
	const make = useWatchedCall();
	const [before, setBefore] = useState(() => draftOf(settings));
	const [draft, setDraft] = useState(before);
	const unsavedForm = `settings ${settings.id}`;
	useTakeBack<Draft>(unsavedForm, (unsaved) => setDraft((draft) => takeBack(draft, before, unsaved)));
	const [errors, setErrors] = useState<ReturnType<typeof errorsOf>>({});
	const form = useRef<HTMLFormElement>(null);
	const toWrong = () =>
		requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
	const save = useCall({
		mutationFn: ({ changes }: Save) => connection.client.projects.update(settings.id, changes),
		onSuccess: async (project, { sent }, tell) => {
			const saved = settingsOf(project);
			tell("Saved");
			setBefore(draftOf(saved));
			// What was typed while it was saved stays, to be saved next.
			setDraft((draft) => (draft === sent ? draftOf(saved) : draft));
			queryClient.setQueryData(projectQuery(connection, settings.id).queryKey, saved);
			await queryClient.invalidateQueries({ queryKey: ["projects"] });
			await queryClient.invalidateQueries({ queryKey: ["project", settings.id] });
		},
		onError: toWrong,
	});
	const isChanged = JSON.stringify(draft) !== JSON.stringify(before);
	const submit = (event: FormEvent) => {
		event.preventDefault();
		const found = errorsOf(draft);
		setErrors(found);
		if (Object.keys(found).length > 0) toWrong();
		else if (isChanged && !save.isPending) {
			// What differs now, also if it is tried again later.
			const changes = toUpdate(draft, before);
			make(`The settings of ${before.name} were not saved`, () => save.mutateAsync({ sent: draft, changes }), {
				// A project has no revision: what differs is what was typed.
				unsaved: { form: unsavedForm, edit: { ...editOf({ revision: 0, draft: before }), draft } },
			});
		}
	};
	return (
		<form ref={form} className="card card-pad stack" onSubmit={submit} noValidate>
			<TextInput
				label="Name"
				maxLength={128}
				readOnly={!mayChange}
				value={draft.name}
				error={errors.name ?? issueOf(save.error, "name")}
				onChange={({ currentTarget }) => setDraft({ ...draft, name: currentTarget.value })}
			/>
			<div className="stack tight">
				<span className="field-label" id="accepted-events">
					Events that it accepts
				</span>
				<SegmentedControl
					aria-labelledby="accepted-events"
					readOnly={!mayChange}
					data={[
						{ value: "open", label: "Any event" },
						{ value: "catalogued", label: "Only its event types" },
					]}
					value={draft.eventTypes}
					onChange={(value) => setDraft({ ...draft, eventTypes: value === "catalogued" ? "catalogued" : "open" })}
				/>
				<p className="dim flat" aria-live="polite">
					{draft.eventTypes === "open"
						? "Events of any type with any data are accepted."
						: "An event of another type, or whose data does not fit the schema, is refused with 400."}
				</p>
			</div>
			{GROUPS.map(({ title, fields }) => (
				<fieldset key={title} className="plain-field">
					<legend className="card-title">{title}</legend>
					<div className="pair pair-wide">
						{fields.map(({ limit, label, about }) => (
							<TextInput
								key={limit}
								label={label}
								description={about}
								placeholder="The server's setting"
								inputMode="numeric"
								autoComplete="off"
								readOnly={!mayChange}
								value={draft.limits[limit]}
								error={errors[limit] ?? issueOf(save.error, limit)}
								onChange={({ currentTarget }) =>
									setDraft({ ...draft, limits: { ...draft.limits, [limit]: currentTarget.value } })
								}
							/>
						))}
					</div>
					{fields.some(({ limit }) => limit === "retentionDays") && mayChange && (
						<Freed draft={draft} before={before} />
					)}
				</fieldset>
			))}
			{save.error !== null && !isShownBy(save.error, PATHS) && (
				<Problem error={save.error} what="Not saved. Nothing that you typed is lost." />
			)}
			{mayChange ? (
				<div className="bar">
					<Button type="submit" disabled={!isChanged} loading={save.isPending}>
						Save
					</Button>
					{isChanged && (
						<Button variant="default" onClick={() => setDraft(before)}>
							Undo the changes
						</Button>
					)}
				</div>
			) : (
				<p className="dim flat">Only an admin key of the whole workspace may change them.</p>
			)}
		</form>
	);
}
