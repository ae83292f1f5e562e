// S9: the event types of a project.
import type { EventTypeAsText } from "@fanfare/sdk";
import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";

import type { Doubt } from "../../parts/feedback/doubt.ts";
import { Empty } from "../../parts/feedback/empty.tsx";
import { useWatchedCall } from "../../parts/feedback/late-failures.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { Bone } from "../../parts/feedback/skeletons.tsx";
import { closingAt, useStage, type Stage } from "../../parts/feedback/stage.ts";
import { useIsShown } from "../../parts/feedback/use-is-shown.ts";
import { Dialog } from "../../parts/layout/dialog.tsx";
import { Icon } from "../../parts/layout/icon.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { Table, TableSkeleton, type Column } from "../../parts/layout/table.tsx";
import { count } from "../../parts/text/format.ts";
import { useConnection, useMay, useProject } from "../../session/caller.ts";
import { useTriageKeys } from "../deliveries/use-triage-keys.ts";
import { projectQuery } from "../settings/project-query.ts";
import { countedWebhooks, type Found } from "../webhooks/found.ts";
import { useRecentWebhooks } from "../webhooks/newest.ts";
import { NEW, toCreate, type Draft } from "./draft.ts";
import { allTypesQuery, MOST_TYPES, useTypeChange } from "./queries.ts";
import { TypeForm } from "./type-form.tsx";
import { wantsType } from "./wants-type.ts";

const route = getRouteApi("/$projectId/event-types");

export function EventTypesScreen() {
	const project = useProject();
	const mayWrite = useMay("write");
	const navigate = route.useNavigate();
	const { q = "", show, form } = route.useSearch();
	const [stage, setStage] = useState<Stage>("asking");
	const { data: types, error, refetch } = useQuery(allTypesQuery(project));
	const open = (form: "new" | undefined) => void navigate({ search: (search) => ({ ...search, form }) });
	const add = (
		<Button leftSection={<Icon name="plus" size={16} />} onClick={() => open("new")}>
			Add an event type
		</Button>
	);
	const archived = types?.filter((type) => type.archived).length ?? 0;
	const found = types?.filter(
		({ archived, name, description }) =>
			archived === (show === "archived") && `${name} ${description ?? ""}`.toLowerCase().includes(q.toLowerCase()),
	);
	return (
		<>
			<PageHead title="Event types" actions={mayWrite && add} />
			<Policy />
			{error !== null && <Problem error={error} what="The event types could not be loaded" onRetry={refetch} />}
			{types === undefined && error === null && (
				<>
					<Bone width="100%" height="2.25rem" />
					<TableSkeleton label="event types" columns={columnsOf(project.id, undefined)} />
				</>
			)}
			{types?.length === 0 && (
				<Empty icon="types" title="No event type yet" actions={mayWrite && add}>
					This list says which events there are, what they mean and what is in them. Whoever adds a webhook chooses from
					it, and a schema keeps events that do not fit from being sent.
				</Empty>
			)}
			{types !== undefined && types.length > 0 && (
				<div className="bar">
					<TextInput
						data-filter
						className="grow"
						aria-label="Filter event types"
						placeholder="Filter by name or description"
						leftSection={<Icon name="search" size={16} />}
						value={q}
						onChange={({ currentTarget: { value } }) =>
							void navigate({ search: (search) => ({ ...search, q: value === "" ? undefined : value }), replace: true })
						}
					/>
					<Button
						size="xs"
						variant={show === "archived" ? "filled" : "default"}
						aria-pressed={show === "archived"}
						onClick={() =>
							void navigate({
								search: (search) => ({ ...search, show: show === "archived" ? undefined : ("archived" as const) }),
							})
						}
					>
						Archived {archived}
					</Button>
				</div>
			)}
			{types !== undefined && types.length > 0 && found?.length === 0 && (
				<Empty
					icon="search"
					title="No event type matches"
					actions={
						<Button variant="default" onClick={() => void navigate({ search: {} })}>
							Show all that are not archived
						</Button>
					}
				>
					None of {count(types.length)} matches the filter.
				</Empty>
			)}
			{found !== undefined && found.length > 0 && <TypeTable types={found} isFull={types?.length === MOST_TYPES} />}
			<Dialog
				side="right"
				isOpen={mayWrite && form === "new"}
				onClose={() => open(undefined)}
				width="42rem"
				title="Add an event type"
				{...closingAt(stage)}
			>
				<Create onStage={setStage} onClose={() => open(undefined)} />
			</Dialog>
		</>
	);
}

/** Says whether events must be of these types. */
function Policy() {
	const { id: projectId } = useProject();
	const { data, isPending } = useQuery(projectQuery(useConnection(), projectId));
	// Its place is kept, so that nothing moves when it comes.
	if (isPending) return <p className="dim">&nbsp;</p>;
	if (data === undefined) return null;
	return (
		<p className="dim">
			{data.eventTypePolicy === "catalogued"
				? "This project accepts only events of these types, whose data fits the schema. "
				: "This project accepts any event: this list describes, and refuses nothing. "}
			<Link className="link underlined" to="/$projectId/settings" params={{ projectId }}>
				Change it in the settings
			</Link>
		</p>
	);
}

interface CreateProps {
	readonly onStage: (stage: Stage) => void;
	readonly onClose: () => void;
}

function Create({ onStage, onClose }: CreateProps) {
	const make = useWatchedCall();
	const isShown = useIsShown();
	const [draft, setDraft] = useState(NEW);
	const { id: projectId } = useProject();
	const doubtOf = (sent: Draft): Doubt => ({
		what: `It is not known whether ${sent.name.trim()} was added`,
		advice: "Look among the event types before you add it again.",
		look: { text: "See the event types", link: { to: "/$projectId/event-types", params: { projectId }, search: {} } },
	});
	const create = useTypeChange(
		(types, draft: Draft) => types.create(toCreate(draft)),
		({ name }, _, tell) => {
			tell(`Added ${name}`);
			if (isShown()) onClose();
		},
	);
	useStage(create.isPending ? "working" : "asking", onStage);
	return (
		<TypeForm
			isNew
			initial={NEW}
			draft={draft}
			isBusy={create.isPending}
			error={create.error}
			doubt={doubtOf(create.variables ?? draft)}
			onChange={setDraft}
			onSubmit={() =>
				make(`${draft.name.trim()} was not added`, () => create.mutateAsync(draft), { doubt: doubtOf(draft) })
			}
		/>
	);
}

function TypeTable({ types, isFull }: { readonly types: readonly EventTypeAsText[]; readonly isFull: boolean }) {
	const { id: projectId } = useProject();
	const current = useTriageKeys({ ids: types.map(({ name }) => name) });
	const { data: webhooks } = useRecentWebhooks();
	return (
		<Table
			label="Event types"
			columns={columnsOf(projectId, webhooks)}
			rows={types}
			keyOf={({ name }) => name}
			current={current}
			foot={isFull ? `Only the first ${count(MOST_TYPES)} are shown.` : undefined}
		/>
	);
}

function columnsOf(projectId: string, webhooks: Found | undefined): Column<EventTypeAsText>[] {
	return [
		{
			name: "Event type",
			width: "minmax(10rem, 1.2fr)",
			phone: "whole",
			cell: ({ name }) => (
				<div className="cut">
					<Link
						className="row-link mono"
						to="/$projectId/event-types/$name"
						params={{ projectId, name }}
						data-row={name}
					>
						{name}
					</Link>
				</div>
			),
		},
		{
			name: "Description",
			width: "minmax(10rem, 2fr)",
			phone: "whole",
			cell: ({ description }) =>
				description === null ? <span className="dim none">–</span> : <div className="cut">{description}</div>,
		},
		{
			name: "Schema",
			width: "7rem",
			cell: ({ schemaText }) => (schemaText === null ? <span className="dim">any data</span> : <span>checked</span>),
		},
		{
			name: "Visible to",
			width: "8rem",
			cell: ({ visibility }) =>
				visibility === "internal" ? <span className="state calm">internal</span> : <span>customers</span>,
		},
		{
			name: "Wanted by",
			width: "7rem",
			cell: (type) => <WantedBy type={type} webhooks={webhooks} />,
		},
	];
}

function WantedBy({ type, webhooks }: { readonly type: EventTypeAsText; readonly webhooks: Found | undefined }) {
	if (webhooks === undefined) return <span className="dim">…</span>;
	const wanted = webhooks.webhooks.filter((webhook) => wantsType(webhook, type)).length;
	if (wanted > 0) return <span className="num">{countedWebhooks(wanted, webhooks.isWhole)}</span>;
	if (webhooks.isWhole) return <span className="text-warn">no webhook</span>;
	return (
		<span className="dim" title={`None of the newest ${count(webhooks.webhooks.length)}. Its own screen looks at all.`}>
			not counted
		</span>
	);
}
