// S9: the API keys of the workspace: who may do what, and which of them are still used.
import type { Key, KeyScope } from "@fanfare/sdk";
import { ActionIcon, Button, Menu } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";

import { Empty } from "../../parts/feedback/empty.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { useFocusBack } from "../../parts/feedback/use-focus-back.ts";
import { FilterText } from "../../parts/form/filter-text.tsx";
import { Icon } from "../../parts/layout/icon.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { Table, TableSkeleton, type Column } from "../../parts/layout/table.tsx";
import { count } from "../../parts/text/format.ts";
import { Time, useNow } from "../../parts/text/time.tsx";
import { callerQuery, projectsQuery, useConnection, useProject } from "../../session/caller.ts";
import { useIsWorkspaceAdmin } from "../../session/workspace.ts";
import { useTriageKeys } from "../deliveries/use-triage-keys.ts";
import { CreateKeyDrawer } from "./create-key.tsx";
import { keysQuery, MOST_KEYS } from "./queries.ts";
import { RenameKey } from "./rename-key.tsx";
import { RevokeKey } from "./revoke-key.tsx";
import { RollKey } from "./roll-key.tsx";

const route = getRouteApi("/$projectId/keys");

/** What a person does with one key. */
interface Chosen {
	readonly action: "rename" | "roll" | "revoke";
	readonly key: Key;
}

export function KeysScreen() {
	const mayManage = useIsWorkspaceAdmin();
	const navigate = route.useNavigate();
	const { form } = route.useSearch();
	const [chosen, setChosen] = useState<Chosen | null>(null);
	// Here, since the menu may be gone when the dialog is there.
	useFocusBack(chosen !== null);
	// A dialog that somebody has closed while its call was under way does not close the one that is open when it is answered.
	const close = () => setChosen((now) => (now === chosen ? null : now));
	const open = (form: "new" | undefined) =>
		void navigate({ search: (search) => ({ ...search, form }), ignoreBlocker: true });
	return (
		<>
			<PageHead
				title="Keys"
				actions={
					mayManage && (
						<Button leftSection={<Icon name="plus" size={16} />} onClick={() => open("new")}>
							Create a key
						</Button>
					)
				}
			/>
			{mayManage ? (
				<Keys onChoose={setChosen} onCreate={() => open("new")} />
			) : (
				<p className="dim">Keys are shown to admin keys of the whole workspace. Yours is not one.</p>
			)}
			<CreateKeyDrawer isOpen={mayManage && form === "new"} onClose={() => open(undefined)} />
			{chosen?.action === "rename" && <RenameKey apiKey={chosen.key} onClose={close} />}
			{chosen?.action === "roll" && <RollKey apiKey={chosen.key} onClose={close} />}
			{chosen?.action === "revoke" && <RevokeKey apiKey={chosen.key} onClose={close} />}
		</>
	);
}

function Keys({ onChoose, onCreate }: { readonly onChoose: (chosen: Chosen) => void; readonly onCreate: () => void }) {
	const connection = useConnection();
	const { id: projectId } = useProject();
	const navigate = route.useNavigate();
	const { of, q } = route.useSearch();
	const { data: keys, error, refetch } = useQuery(keysQuery(connection));
	const { data: caller } = useQuery(callerQuery(connection));
	const { data: projects = [] } = useQuery(projectsQuery(connection));
	const ofAccess = keys?.filter((key) => of === undefined || key.projectId === (of === "project" ? projectId : null));
	const found = ofAccess?.filter((key) => q === undefined || isMatch(key, q));
	const current = useTriageKeys({ ids: found?.map(({ id }) => id) ?? [], list: `${of} ${q}` });
	const chips = [
		[undefined, "All"],
		["project", "This project"],
		["workspace", "Whole workspace"],
	] as const;
	const columns = columnsOf({
		names: new Map(projects.map(({ id, name }) => [id, name])),
		ownId: caller?.id ?? null,
		onChoose,
	});
	return (
		<>
			<div className="bar">
				<FilterText
					isFirst
					label="Search keys"
					placeholder="Part of a name or an id"
					value={q}
					onChange={(q) => void navigate({ search: (search) => ({ ...search, q }) })}
				/>
				<div className="bar" role="group" aria-label="Access to">
					{chips.map(([value, word]) => (
						<Button
							key={word}
							size="xs"
							variant={of === value ? "filled" : "default"}
							aria-pressed={of === value}
							onClick={() => void navigate({ search: (search) => ({ ...search, of: value }) })}
						>
							{word}
						</Button>
					))}
				</div>
			</div>
			{error !== null && <Problem error={error} what="The keys could not be loaded" onRetry={refetch} />}
			{found === undefined && error === null && <TableSkeleton label="keys" columns={columns} rows={4} />}
			{found?.length === 0 && q !== undefined && (
				<Empty
					icon="search"
					title="No key matches"
					actions={
						<Button variant="default" onClick={() => void navigate({ search: {} })}>
							Show all
						</Button>
					}
				>
					No name, no id and no end of a key contains “{q}”.
				</Empty>
			)}
			{found?.length === 0 && q === undefined && (
				<Empty
					icon="key"
					title="No key has access to this alone"
					actions={<Button onClick={onCreate}>Create a key</Button>}
				>
					A service should have a key of its own, with the project and the scope that it needs: it can be revoked
					without stopping anything else.
				</Empty>
			)}
			{found !== undefined && found.length > 0 && (
				<Table
					label="Keys"
					columns={columns}
					rows={found}
					keyOf={({ id }) => id}
					current={current}
					foot={keys?.length === MOST_KEYS ? `Only the newest ${count(MOST_KEYS)} are shown.` : undefined}
				/>
			)}
		</>
	);
}

function isMatch({ id, name, hint }: Key, q: string): boolean {
	return [id, name, hint].some((text) => text.toLowerCase().includes(q.toLowerCase()));
}

interface ColumnOptions {
	/** The names of projects by id. */
	readonly names: ReadonlyMap<string, string>;
	/** The key that is signed in. */
	readonly ownId: string | null;
	readonly onChoose: (chosen: Chosen) => void;
}

function columnsOf({ names, ownId, onChoose }: ColumnOptions): Column<Key>[] {
	return [
		{
			name: "Name",
			width: "minmax(10rem, 1.6fr)",
			phone: "whole",
			cell: (key) => (
				<div>
					<div className="cut">
						<strong>{key.name}</strong> {key.id === ownId && <span className="pill">signed in now</span>}
					</div>
					<div className="dim">
						<span className="mono">sk_…{key.hint}</span>
						{key.secretOverlapUntil !== null && (
							<>
								{" "}
								and an earlier one until <Time at={key.secretOverlapUntil} form="short" />
							</>
						)}
					</div>
				</div>
			),
		},
		{ name: "Scope", width: "5.5rem", cell: ({ scope }) => <Scope scope={scope} /> },
		{
			name: "Access to",
			width: "minmax(8rem, 1fr)",
			cell: ({ projectId }) => (
				<div className="cut">{projectId === null ? "Whole workspace" : (names.get(projectId) ?? projectId)}</div>
			),
		},
		{
			name: "Last used",
			width: "minmax(7rem, 9rem)",
			phone: "whole",
			cell: ({ lastUsedDate }) => <LastUse at={lastUsedDate} />,
		},
		{
			name: "Expires",
			width: "minmax(6rem, 9rem)",
			phone: "whole",
			cell: ({ expireDate }) => <Expiry at={expireDate} />,
		},
		{
			name: "Created",
			isRoomy: true,
			width: "8rem",
			phone: "hide",
			cell: ({ createDate }) => <Time at={createDate} />,
		},
		{
			name: "Actions",
			width: "2rem",
			phone: "corner",
			isNameHidden: true,
			cell: (key) => <RowMenu apiKey={key} onChoose={(action) => onChoose({ action, key })} />,
		},
	];
}

const SCOPES: Readonly<Record<KeyScope, string>> = { admin: "warn", write: "info", read: "calm" };

function Scope({ scope }: { readonly scope: KeyScope }) {
	return <span className={`state ${SCOPES[scope]}`}>{scope}</span>;
}

function LastUse({ at }: { readonly at: number | null }) {
	if (at === null) return <span className="dim">never used</span>;
	return (
		<span>
			<span className="only-phone dim">used </span>
			<Time at={at} form="distance" />
		</span>
	);
}

function Expiry({ at }: { readonly at: number | null }) {
	const now = useNow(60_000);
	if (at === null) return <span className="dim none">never</span>;
	if (at <= now) {
		return (
			<span className="text-bad">
				expired <Time at={at} form="distance" />
			</span>
		);
	}
	return (
		<span>
			<span className="only-phone dim">expires </span>
			<Time at={at} form="distance" />
		</span>
	);
}

function RowMenu({
	apiKey,
	onChoose,
}: {
	readonly apiKey: Key;
	readonly onChoose: (action: Chosen["action"]) => void;
}) {
	return (
		<Menu position="bottom-end">
			<Menu.Target>
				<ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${apiKey.name}`} data-row={apiKey.id}>
					<Icon name="more" />
				</ActionIcon>
			</Menu.Target>
			<Menu.Dropdown>
				<Menu.Item onClick={() => onChoose("rename")}>Rename…</Menu.Item>
				<Menu.Item leftSection={<Icon name="retry" size={16} />} onClick={() => onChoose("roll")}>
					Roll…
				</Menu.Item>
				<Menu.Item color="red" leftSection={<Icon name="cross" size={16} />} onClick={() => onChoose("revoke")}>
					Revoke…
				</Menu.Item>
			</Menu.Dropdown>
		</Menu>
	);
}
