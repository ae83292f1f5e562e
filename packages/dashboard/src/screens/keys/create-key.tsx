// The drawer for a new key. Whether it is open is in the address.
import type { CreateKey, KeyScope } from "@fanfare/sdk";
import { Button, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";

import type { Doubt } from "../../parts/feedback/doubt.ts";
import { useWatchedCall } from "../../parts/feedback/late-failures.tsx";
import { LeaveQuestion } from "../../parts/feedback/leave-question.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { closingAt, stageOfOnce, useStage, type Stage } from "../../parts/feedback/stage.ts";
import { isShownBy, issueOf } from "../../parts/form/issues.ts";
import { parseMoment } from "../../parts/form/moment.ts";
import { Dialog } from "../../parts/layout/dialog.tsx";
import { useZone, zoneName } from "../../parts/text/zone.ts";
import { projectsQuery, useConnection, useProject } from "../../session/caller.ts";
import { KeyOnce } from "./key-once.tsx";
import { useKeyChange } from "./queries.ts";

const SCOPES: readonly { readonly value: KeyScope; readonly label: string; readonly about: string }[] = [
	{ value: "read", label: "Read", about: "Sees everything, payloads too, and changes nothing." },
	{ value: "write", label: "Write", about: "Sends events, and changes webhooks, event types and deliveries." },
	{
		value: "admin",
		label: "Admin",
		about: "Everything. For the whole workspace also projects, keys and the audit log.",
	},
];
const WORKSPACE = "workspace";
const DAY = 86_400_000;
const EXPIRY = [
	{ value: "never", label: "Never" },
	{ value: "30", label: "In 30 days" },
	{ value: "90", label: "In 90 days" },
	{ value: "365", label: "In a year" },
	{ value: "date", label: "At a time…" },
];
const PATHS = ["name", "scope", "projectId", "expireDate"];

export function CreateKeyDrawer({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
	const [stage, setStage] = useState<Stage>("asking");
	return (
		<Dialog side="right" isOpen={isOpen} onClose={onClose} width="30rem" title="Create a key" {...closingAt(stage)}>
			<Body onStage={setStage} onClose={onClose} />
			{/* Stays while the form gives way to the key, so that the question is not taken back unanswered. */}
			<LeaveQuestion stage={stage} thing="key" />
		</Dialog>
	);
}

interface BodyProps {
	readonly onStage: (stage: Stage) => void;
	readonly onClose: () => void;
}

function Body({ onStage, onClose }: BodyProps) {
	const project = useProject();
	const make = useWatchedCall();
	const { data: projects = [] } = useQuery(projectsQuery(useConnection()));
	const [zone] = useZone();
	const [name, setName] = useState("");
	const [scope, setScope] = useState<KeyScope>("write");
	const [access, setAccess] = useState(project.id);
	const [expiry, setExpiry] = useState("never");
	const [date, setDate] = useState("");
	const [isTried, setTried] = useState(false);
	const create = useKeyChange((client, key: CreateKey) => client.keys.create(key));
	const stage = stageOfOnce(create);
	useStage(stage, onStage);
	const doubtOf = (sent: string): Doubt => ({
		what: `It is not known whether ${sent} was created`,
		advice: "Look among the keys before you create it again. If it is there, revoke it: nobody has seen it.",
		look: { text: "See the keys", link: { to: "/$projectId/keys", params: { projectId: project.id }, search: {} } },
	});
	const moment = expiry === "date" ? parseMoment(date, zone) : null;
	const nameError = name.trim() === "" ? "Who will use it? For example billing service" : undefined;
	const dateError = expiry === "date" && moment === null ? "Choose a date and a time." : undefined;
	const submit = (event: FormEvent) => {
		event.preventDefault();
		setTried(true);
		if (nameError !== undefined || dateError !== undefined) return;
		const expireDate = expiry === "never" ? null : (moment ?? Date.now() + Number(expiry) * DAY);
		const key = { name: name.trim(), scope, projectId: access === WORKSPACE ? null : access, expireDate };
		make(`${key.name} was not created`, () => create.mutateAsync(key), {
			doubt: doubtOf(key.name),
			unseen: ({ name }) => ({
				what: `Nobody has seen the key ${name}`,
				advice: "It was created when you had left: revoke it, or roll it.",
			}),
		});
	};
	if (create.data !== undefined) return <KeyOnce secretKey={create.data.secretKey} onDone={onClose} />;
	return (
		<form className="stack" onSubmit={submit} noValidate>
			<TextInput
				label="Name"
				required
				data-autofocus
				maxLength={128}
				autoComplete="off"
				value={name}
				error={(isTried ? nameError : undefined) ?? issueOf(create.error, "name")}
				onChange={({ currentTarget }) => setName(currentTarget.value)}
			/>
			<div className="stack tight">
				<SegmentedControl
					aria-label="Scope"
					fullWidth
					data={SCOPES.map(({ value, label }) => ({ value, label }))}
					value={scope}
					onChange={(value) => setScope(SCOPES.find((one) => one.value === value)?.value ?? "read")}
				/>
				<p className="dim flat" aria-live="polite">
					{SCOPES.find(({ value }) => value === scope)?.about}
				</p>
			</div>
			<Select
				label="Access to"
				searchable
				allowDeselect={false}
				limit={50}
				data={[
					{ value: WORKSPACE, label: "The whole workspace" },
					...projects.map(({ id, name }) => ({ value: id, label: name })),
				]}
				value={access}
				error={issueOf(create.error, "projectId")}
				onChange={(value) => setAccess(value ?? project.id)}
			/>
			<Select
				label="Expires"
				allowDeselect={false}
				data={EXPIRY}
				value={expiry}
				error={expiry === "date" ? undefined : issueOf(create.error, "expireDate")}
				onChange={(value) => setExpiry(value ?? "never")}
			/>
			{expiry === "date" && (
				<TextInput
					type="datetime-local"
					label="Time"
					description={`In ${zoneName(zone)}`}
					value={date}
					error={(isTried ? dateError : undefined) ?? issueOf(create.error, "expireDate")}
					onChange={({ currentTarget }) => setDate(currentTarget.value)}
				/>
			)}
			{create.error !== null && !isShownBy(create.error, PATHS) && (
				<Problem
					error={create.error}
					what="No key was created. Nothing that you typed is lost."
					doubt={doubtOf(create.variables?.name ?? name.trim())}
				/>
			)}
			<div className="bar">
				<Button type="submit" loading={create.isPending}>
					Create the key
				</Button>
				<Button variant="default" disabled={create.isPending} onClick={onClose}>
					Cancel
				</Button>
			</div>
		</form>
	);
}
