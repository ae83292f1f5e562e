// The form of a project's settings.
import type { ServerSettings } from "@fanfare/sdk";
import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState, type FormEvent } from "react";

import { useWatchedCall } from "../../parts/feedback/late-failures.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { useCall } from "../../parts/feedback/use-call.ts";
import { ChangedElsewhere } from "../../parts/form/edit/changed-elsewhere.tsx";
import { isOutdated } from "../../parts/form/edit/own-save.ts";
import { useEdit } from "../../parts/form/edit/use-edit.ts";
import { isShownBy, issueOf } from "../../parts/form/issues.ts";
import { useConnection } from "../../session/caller.ts";
import { errorsOf, isChanged, PATHS, toUpdate, versionOf, type Draft, type SettingsUpdate } from "./draft.ts";
import { Freed } from "./freed.tsx";
import { projectQuery, type Limit, type ProjectSettings } from "./project-query.ts";
import { saveSettings } from "./save-settings.ts";
import { serverSetting } from "./server-setting.ts";

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
				about: "Days, with the responses of receivers; 0 for as long as the event",
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

const LABELS = {
	name: "Name",
	eventTypes: "Events that it accepts",
	...(Object.fromEntries(
		GROUPS.flatMap(({ title, fields }) => fields.map(({ limit, label }) => [limit, `${title}: ${label}`])),
	) as Record<Limit, string>),
};

interface Save {
	readonly sent: Draft;
	readonly changes: SettingsUpdate;
	readonly revision: number;
}

interface SettingsFormProps {
	readonly settings: ProjectSettings;
	/** What applies where the project has set nothing; undefined until it is known. */
	readonly server: ServerSettings | undefined;
	readonly mayChange: boolean;
}

export function SettingsForm({ settings, server, mayChange }: SettingsFormProps) {
	const connection = useConnection();
	const queryClient = useQueryClient();
	const make = useWatchedCall();
	const version = versionOf(settings);
	const unsavedForm = `settings ${settings.id}`;
	const edit = useEdit(version, unsavedForm);
	const [errors, setErrors] = useState<ReturnType<typeof errorsOf>>({});
	const form = useRef<HTMLFormElement>(null);
	const toWrong = () =>
		requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
	const save = useCall({
		mutationFn: ({ changes }: Save) => saveSettings(connection.client, settings.id, changes),
		onSuccess: async (saved, { sent }, tell) => {
			tell("Saved");
			edit.saved(sent, versionOf(saved));
			queryClient.setQueryData(projectQuery(connection, settings.id).queryKey, saved);
			await queryClient.invalidateQueries({ queryKey: ["projects"] });
			await queryClient.invalidateQueries({ queryKey: ["project", settings.id] });
		},
		onError: async (error) => {
			toWrong();
			if (isOutdated(error)) await queryClient.invalidateQueries({ queryKey: ["project", settings.id, "settings"] });
		},
	});
	if (!save.isPending) edit.follow(version);
	const { draft, setDraft, base, revision } = edit;
	const hasChanges = isChanged(draft, base);
	const failure = edit.errorOf(save);
	const isBlocked = edit.conflicts.length > 0;
	const submit = (event: FormEvent) => {
		event.preventDefault();
		const found = errorsOf(draft);
		setErrors(found);
		if (Object.keys(found).length > 0) toWrong();
		else if (hasChanges && !isBlocked && !save.isPending) {
			// What differs now, also if it is tried again later.
			const changes = toUpdate(draft, base, revision);
			make(`The settings of ${base.name} were not saved`, () => save.mutateAsync({ sent: draft, changes, revision }), {
				unsaved: { form: unsavedForm, edit: edit.edit },
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
								placeholder={serverSetting(limit, server)}
								inputMode="numeric"
								autoComplete="off"
								readOnly={!mayChange}
								value={draft[limit]}
								error={errors[limit] ?? issueOf(save.error, limit)}
								onChange={({ currentTarget }) => setDraft({ ...draft, [limit]: currentTarget.value })}
							/>
						))}
					</div>
					{fields.some(({ limit }) => limit === "retentionDays") && mayChange && (
						<Freed draft={draft} before={base} server={server} />
					)}
				</fieldset>
			))}
			{failure !== null && !isShownBy(failure, PATHS) && (
				<Problem error={failure} what="Not saved. Nothing that you typed is lost." />
			)}
			<ChangedElsewhere edit={edit} labels={LABELS} />
			{mayChange ? (
				<div className="bar">
					<Button type="submit" disabled={!hasChanges || isBlocked} loading={save.isPending}>
						Save
					</Button>
					{hasChanges && !isBlocked && (
						<Button variant="default" onClick={() => setDraft(base)}>
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
