// One event type: what it means, its schema and example, and who wants it.
import type { EventTypeAsText, UpdateEventType } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { Payload } from "../../parts/code/payload.tsx";
import { Confirm } from "../../parts/feedback/confirm.tsx";
import { useWatchedCall } from "../../parts/feedback/late-failures.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { FactsShape, FormShape, Loading } from "../../parts/feedback/skeletons.tsx";
import { useIsShown } from "../../parts/feedback/use-is-shown.ts";
import { ChangedElsewhere } from "../../parts/form/edit/changed-elsewhere.tsx";
import type { Version } from "../../parts/form/edit/edit.ts";
import { useEdit } from "../../parts/form/edit/use-edit.ts";
import { Fact } from "../../parts/layout/fact.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { Time } from "../../parts/text/time.tsx";
import { useMay, useProject } from "../../session/caller.ts";
import { draftOf, LABELS, saveType, toUpdate, type Draft } from "../event-types/draft.ts";
import { eventTypeQuery, useTypeChange } from "../event-types/queries.ts";
import { TypeForm } from "../event-types/type-form.tsx";
import { SendLink } from "../events/send-link.tsx";
import { knownCount } from "../webhooks/found.ts";
import { useWantingWebhooks } from "../webhooks/queries.ts";

const route = getRouteApi("/$projectId/event-types/$name");

export function EventTypeScreen() {
	const { name } = route.useParams();
	const project = useProject();
	const mayWrite = useMay("write");
	// The same name in another project is another event type.
	const key = `${project.id} ${name}`;
	const { data: type, error, refetch } = useQuery(eventTypeQuery(project, name));
	const back = (
		<Link className="link" to="/$projectId/event-types" params={{ projectId: project.id }} search={{}}>
			‹ Event types
		</Link>
	);
	return (
		<>
			<PageHead
				title={name}
				back={back}
				actions={
					mayWrite &&
					type !== undefined && (
						<>
							{!type.archived && <SendLink search={{ type: name }}>Send one</SendLink>}
							<Actions key={key} type={type} />
						</>
					)
				}
			>
				{type?.archived === true && <span className="state warn">archived</span>}
				{type?.visibility === "internal" && <span className="state calm">internal</span>}
			</PageHead>
			{error !== null && <Problem error={error} what="The event type could not be loaded" onRetry={refetch} />}
			{type === undefined && error === null && (
				<Loading label="the event type">
					<div className="beside">
						<FormShape fields={5} />
						<FactsShape facts={4} />
					</div>
				</Loading>
			)}
			{type !== undefined && (
				<div className="beside">
					<div className="card card-pad">{mayWrite ? <Edit key={key} type={type} /> : <Shown type={type} />}</div>
					<Usage type={type} />
				</div>
			)}
		</>
	);
}

interface Save {
	readonly sent: Draft;
	readonly changes: UpdateEventType;
	readonly revision: number;
}

function Edit({ type }: { readonly type: EventTypeAsText }) {
	// What the server has answered is newer than what was fetched before.
	const [saved, setSaved] = useState(type);
	const latest = saved.revision > type.revision ? saved : type;
	const make = useWatchedCall();
	const form = `event type ${useProject().id} ${type.name}`;
	const edit = useEdit(versionOf(type), form);
	const update = useTypeChange(
		(types, { changes }: Save) => saveType(types, latest, changes),
		(kept, { sent }, tell) => {
			tell(`Saved ${kept.name}`);
			setSaved(kept);
			edit.saved(sent, versionOf(kept));
		},
	);
	if (!update.isPending) edit.follow(versionOf(latest));
	const { draft, base, revision } = edit;
	const save = () => {
		const changes = toUpdate(draft, base, revision);
		make(`${type.name} was not saved`, () => update.mutateAsync({ sent: draft, changes, revision }), {
			unsaved: { form, edit: edit.edit },
		});
	};
	return (
		<TypeForm
			isNew={false}
			initial={base}
			draft={draft}
			isBusy={update.isPending}
			isBlocked={edit.conflicts.length > 0}
			error={edit.errorOf(update)}
			onChange={edit.setDraft}
			onSubmit={save}
		>
			<ChangedElsewhere edit={edit} labels={LABELS} />
		</TypeForm>
	);
}

function versionOf(type: EventTypeAsText): Version<Draft> {
	return { revision: type.revision, draft: draftOf(type) };
}

/** What somebody sees whose key may only read. */
function Shown({ type }: { readonly type: EventTypeAsText }) {
	return (
		<div className="stack">
			<p className="flat">{type.description ?? <span className="dim">No description</span>}</p>
			<div className="stack tight">
				<h2 className="card-title">Example</h2>
				{type.exampleText === null ? (
					<p className="dim flat">None.</p>
				) : (
					<Payload label="Example" text={type.exampleText} />
				)}
			</div>
			<div className="stack tight">
				<h2 className="card-title">Schema</h2>
				{type.schemaText === null ? (
					<p className="dim flat">None: any data is valid.</p>
				) : (
					<Payload label="Schema" text={type.schemaText} />
				)}
			</div>
		</div>
	);
}

const SHOWN = 20;

function Usage({ type }: { readonly type: EventTypeAsText }) {
	const { id: projectId } = useProject();
	const { data, error, refetch } = useWantingWebhooks(type.name);
	const wanted = data?.webhooks;
	return (
		<aside className="card card-pad stack" aria-label="Usage">
			<h2 className="card-title">Who wants it</h2>
			{error !== null && <Problem error={error} what="It could not be found out" onRetry={refetch} />}
			{wanted?.length === 0 && <p className="dim flat">No webhook: events of it are only kept in the log.</p>}
			<ul className="plain-list">
				{wanted?.slice(0, SHOWN).map(({ id, name, customerId, eventTypes }) => (
					<li key={id} className="cut">
						<Link
							className="link"
							to="/$projectId/webhooks/$webhookId"
							params={{ projectId, webhookId: id }}
							search={{}}
						>
							{name}
						</Link>{" "}
						{customerId !== undefined && <span className="dim">of {customerId} </span>}
						{eventTypes === null && <span className="dim">wants all types</span>}
					</li>
				))}
			</ul>
			{wanted !== undefined && wanted.length > SHOWN && (
				<p className="dim flat">{`and ${knownCount(wanted.length - SHOWN, data?.isWhole === true)} more`}</p>
			)}
			<Link className="link" to="/$projectId/events" params={{ projectId }} search={{ type: type.name }}>
				Its events ›
			</Link>
			<dl className="facts">
				<Fact name="Created">
					<Time at={type.createDate} form="day" />
				</Fact>
				<Fact name="Changed">
					<Time at={type.updateDate} form="day" />
				</Fact>
			</dl>
		</aside>
	);
}

function Actions({ type }: { readonly type: EventTypeAsText }) {
	const { id: projectId } = useProject();
	const navigate = useNavigate();
	/** Somebody may have gone to another screen meanwhile. */
	const isHere = useIsShown();
	const [isAsked, asked] = useDisclosure(false);
	const make = useWatchedCall();
	const archive = useTypeChange(
		(types, archived: boolean) => types.update(type.name, { archived }),
		(_, archived, tell) => tell(archived ? `Archived ${type.name}` : `${type.name} is in use again`),
	);
	const remove = useTypeChange(
		(types, named: string) => types.delete(named),
		(_, __, tell) => {
			tell(`Deleted ${type.name}`);
			if (isHere()) void navigate({ to: "/$projectId/event-types", params: { projectId } });
		},
	);
	const change = () => {
		const what = type.archived ? `${type.name} is still archived` : `${type.name} was not archived`;
		make(what, () => archive.mutateAsync(!type.archived));
	};
	return (
		<>
			<Button variant="default" loading={archive.isPending} onClick={change}>
				{type.archived ? "Use it again" : "Archive"}
			</Button>
			<Button variant="default" onClick={asked.open}>
				Delete…
			</Button>
			{archive.error !== null && <Problem error={archive.error} what="Not changed" />}
			<Confirm
				isOpen={isAsked}
				title="Delete the event type?"
				verb={`Delete ${type.name}`}
				isDangerous
				isBusy={remove.isPending}
				error={remove.error}
				failed={`${type.name} was not deleted`}
				onConfirm={() => remove.mutateAsync(type.name)}
				onClose={asked.close}
			>
				Its description, schema and example are deleted. Events of this type stay in the log, and webhooks that want it
				still do. If it is only no longer sent, archive it instead: its past events then stay explained.
			</Confirm>
		</>
	);
}
