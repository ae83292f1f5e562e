// S3: all webhooks of a project, those that need somebody first.
import type { Webhook } from "@fanfare/sdk";
import { Button, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { getRouteApi, Link } from "@tanstack/react-router";

import { Empty } from "../../parts/feedback/empty.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { Bone } from "../../parts/feedback/skeletons.tsx";
import { Icon } from "../../parts/layout/icon.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { Table, TableSkeleton, type Column } from "../../parts/layout/table.tsx";
import { ExportButton } from "../../parts/list/export-button.tsx";
import { addressOf, coarseDuration, count } from "../../parts/text/format.ts";
import { shortReason } from "../../parts/text/short-reason.ts";
import { AnswerCode, WebhookStateBadge } from "../../parts/text/state.tsx";
import { Time, useNow } from "../../parts/text/time.tsx";
import { urgency } from "../../parts/text/urgency.ts";
import { useMay, useProject } from "../../session/caller.ts";
import { useTriageKeys } from "../deliveries/use-triage-keys.ts";
import { useSubject } from "./form/use-subject.ts";
import { WebhookDrawer } from "./form/webhook-drawer.tsx";
import { countedWebhooks, MOST_WEBHOOKS, union } from "./found.ts";
import { LastDay, useBatches, type Batches } from "./last-day.tsx";
import { useNewestWebhooks } from "./newest.ts";
import { filterOf, useFoundWebhooks, useTroubledWebhooks } from "./queries.ts";
import { RowMenu } from "./row-menu.tsx";
import { stateOf, StateChips } from "./state-chips.tsx";
import { useRowChange, type RowChange } from "./use-row-change.ts";

const ASK_AFTER_MS = 200;

const route = getRouteApi("/$projectId/webhooks");

export function WebhooksScreen() {
	const { q = "", state, form } = route.useSearch();
	const navigate = route.useNavigate();
	const project = useProject();
	const mayWrite = useMay("write");
	const { data: newest, error, refetch } = useNewestWebhooks();
	const isPart = newest?.isWhole === false;
	const { data: troubled, error: troubleError } = useTroubledWebhooks(isPart);
	// Those in trouble are there, however old they are.
	const inTrouble = isPart && troubled !== undefined ? Object.values(troubled.byState) : [];
	const webhooks =
		newest &&
		union(
			newest.webhooks,
			inTrouble.flatMap((found) => found.webhooks),
		);
	const change = useRowChange();
	// What is loaded matches at once; the server also finds what is not loaded.
	const [asked] = useDebouncedValue(q, ASK_AFTER_MS);
	const { data: onServer, error: findError, isLoading: isAsking } = useFoundWebhooks(asked.trim(), state);
	// Of those that are loaded, what is loaded is newer.
	const known = new Map((webhooks ?? []).map((webhook) => [webhook.id, webhook]));
	const foundOnServer = (onServer?.webhooks ?? [])
		.map((webhook) => known.get(webhook.id) ?? webhook)
		.filter((webhook) => state === undefined || stateOf(webhook) === state);
	const loaded = (webhooks ?? []).filter(
		(webhook) => isMatch(webhook, q) && (state === undefined || stateOf(webhook) === state),
	);
	const batches = useBatches(webhooks ?? [], foundOnServer);
	const isFiltered = q !== "" || state !== undefined;
	const isSearching = asked !== q || isAsking;
	const found = isFiltered && asked === q ? union(loaded, foundOnServer) : loaded;
	const setForm = (form: string | undefined) =>
		void navigate({
			search: (search) => ({ ...search, form }),
			// Back does not open what was closed.
			replace: form === undefined,
			resetScroll: false,
			ignoreBlocker: true,
		});
	const { subject, error: subjectError } = useSubject(
		form,
		[...(webhooks ?? []), ...foundOnServer].find(({ id }) => id === form),
	);
	// The server and the page do not search the same texts: a file with a text as its filter would have other webhooks than the list.
	const mayExport = q === "";
	const add = (
		<Button leftSection={<Icon name="plus" size={16} />} onClick={() => setForm("new")}>
			Add webhook
		</Button>
	);
	return (
		<>
			<PageHead
				title="Webhooks"
				actions={
					<>
						<ExportButton
							key={state}
							words={["webhook", "webhooks"]}
							contents="Settings, health and last response of each webhook, without secrets"
							exporter={project.batch.webhooks}
							isEmpty={(mayExport ? found : (webhooks ?? [])).length === 0}
							isFiltered={state !== undefined}
							disabledReason={mayExport ? undefined : "Clear the search to export"}
							filterOf={() => filterOf(state)}
						/>
						{mayWrite && add}
					</>
				}
			>
				{newest !== undefined && (
					<span className="dim num">{countedWebhooks(newest.webhooks.length, newest.isWhole)}</span>
				)}
			</PageHead>
			{error !== null && <Problem error={error} what="The webhooks could not be loaded" onRetry={refetch} />}
			{change.error !== null && <Problem error={change.error} what={change.what} onDismiss={change.dismiss} />}
			{findError !== null && <Problem error={findError} what="Only the webhooks that are loaded were searched" />}
			{troubleError !== null && (
				<Problem error={troubleError} what="Only the newest webhooks were searched for those in trouble" />
			)}
			{subjectError !== null && (
				<Problem error={subjectError} what="The webhook could not be loaded" onDismiss={() => setForm(undefined)} />
			)}
			{webhooks === undefined && error === null && (
				<>
					<Bone width="100%" height="2.25rem" />
					<TableSkeleton
						label="webhooks"
						columns={columnsOf({ webhooks: [], batches, onEdit: mayWrite ? setForm : null, change })}
						lines={2}
					/>
				</>
			)}
			{webhooks?.length === 0 && (
				<Empty icon="webhooks" title="No webhook yet" actions={mayWrite && add}>
					A webhook is an address of yours or of a customer's to which Fanfare sends events: signed, and repeated until
					they arrive.
				</Empty>
			)}
			{webhooks !== undefined && webhooks.length > 0 && (
				<>
					<div className="bar">
						<TextInput
							data-filter
							className="grow"
							aria-label="Filter webhooks"
							placeholder="Filter by name, address, customer or id"
							leftSection={<Icon name="search" size={16} />}
							value={q}
							onChange={({ currentTarget: { value } }) =>
								void navigate({
									search: (search) => ({ ...search, q: value === "" ? undefined : value }),
									replace: true,
								})
							}
						/>
						<StateChips
							webhooks={webhooks}
							isWhole={(state) => !isPart || troubled?.byState[state].isWhole === true}
							state={state}
							onState={(state) => void navigate({ search: (search) => ({ ...search, state }) })}
						/>
					</div>
					{found.length === 0 && isSearching && (
						<TableSkeleton
							label="webhooks that match"
							columns={columnsOf({ webhooks: [], batches, onEdit: mayWrite ? setForm : null, change })}
							rows={2}
							lines={2}
						/>
					)}
					{found.length === 0 && !isSearching && (
						<Empty
							icon="search"
							title={findError === null ? "No webhook matches" : "No loaded webhook matches"}
							actions={
								<Button variant="default" onClick={() => void navigate({ search: {} })}>
									Show all
								</Button>
							}
						>
							{findError === null
								? `None of ${countedWebhooks(webhooks.length, !isPart)} matches the filter.`
								: "The server could not look for others."}
						</Empty>
					)}
					{found.length > 0 && (
						<WebhookTable
							list={`${state} ${q}`}
							webhooks={found}
							batches={batches}
							foot={footOf({ isPart, isFiltered, isFoundWhole: onServer?.isWhole !== false })}
							onEdit={mayWrite ? setForm : null}
							change={change}
						/>
					)}
				</>
			)}
			{!mayWrite && webhooks !== undefined && (
				<p className="dim">Your key may only read: adding and changing webhooks needs the scope write.</p>
			)}
			<WebhookDrawer subject={mayWrite ? subject : null} onClose={() => setForm(undefined)} />
		</>
	);
}

interface WebhookTableProps {
	/** Tells a filter from another one. */
	readonly list: string;
	readonly webhooks: readonly Webhook[];
	readonly batches: Batches;
	/** What is missing, if anything is. */
	readonly foot: string | undefined;
	readonly onEdit: ((id: string) => void) | null;
	readonly change: RowChange;
}

function WebhookTable(props: WebhookTableProps) {
	const { list, webhooks, foot } = props;
	const rows = webhooks.toSorted((a, b) => urgency(a) - urgency(b));
	const current = useTriageKeys({ ids: rows.map(({ id }) => id), list });
	return (
		<Table
			label="Webhooks"
			columns={columnsOf(props)}
			rows={rows}
			keyOf={({ id }) => id}
			current={current}
			foot={foot}
		/>
	);
}

interface Missing {
	readonly isPart: boolean;
	readonly isFiltered: boolean;
	readonly isFoundWhole: boolean;
}

function footOf({ isPart, isFiltered, isFoundWhole }: Missing): string | undefined {
	if (!isPart || (isFiltered && isFoundWhole)) return undefined;
	if (isFiltered) return "More webhooks match than are shown. Type more of the name, or export all of them.";
	return `Only those in trouble and the newest ${count(MOST_WEBHOOKS)} are shown. Others are found by name, host, key, description or id.`;
}

function columnsOf({ webhooks, batches, onEdit, change }: Omit<WebhookTableProps, "list" | "foot">): Column<Webhook>[] {
	const hasCustomers = webhooks.some(({ customerId }) => customerId !== undefined);
	const columns: Column<Webhook>[] = [
		{ name: "State", width: "7rem", cell: (webhook) => <WebhookStateBadge webhook={webhook} /> },
		{
			name: "Webhook",
			width: "minmax(8.5rem, 2fr)",
			phone: "whole",
			cell: (webhook) => <NameCell webhook={webhook} />,
		},
		...(hasCustomers
			? [
					{
						name: "Customer",
						width: "minmax(5rem, 1fr)",
						cell: ({ customerId }: Webhook) => (
							<div className="cut">
								{customerId !== undefined && <span className="only-phone dim">for </span>}
								{customerId ?? <span className="dim none">–</span>}
							</div>
						),
					},
				]
			: []),
		{
			name: "Event types",
			isRoomy: true,
			width: "minmax(6rem, 1fr)",
			phone: "whole",
			cell: ({ eventTypes }) => <Types types={eventTypes} />,
		},
		{
			name: "24 hours",
			isRoomy: true,
			width: "7.25rem",
			cell: (webhook) => <LastDay webhook={webhook} batches={batches} />,
		},
		{
			name: "Last response",
			width: "minmax(8.5rem, 1.6fr)",
			phone: "whole",
			cell: (webhook) => (
				<div>
					<LastAnswer webhook={webhook} />
					<Trouble webhook={webhook} />
				</div>
			),
		},
		{
			name: "Waiting",
			width: "minmax(4.5rem, auto)",
			isNumber: true,
			phone: "hide",
			cell: ({ deliveries }) => <Waiting {...deliveries} />,
		},
		{
			name: "Failed",
			width: "4rem",
			isNumber: true,
			phone: "hide",
			cell: ({ deliveries }) => <FailedCount count={deliveries.Failed} />,
		},
	];
	if (onEdit !== null) {
		columns.push({
			name: "Actions",
			width: "2rem",
			phone: "corner",
			isNameHidden: true,
			cell: (webhook) => <RowMenu webhook={webhook} onEdit={onEdit} change={change} />,
		});
	}
	return columns;
}

function NameCell({ webhook: { id, name, endpoint } }: { readonly webhook: Webhook }) {
	return (
		<div>
			<div className="cut">
				<Link
					className="row-link"
					from="/$projectId/webhooks"
					to="/$projectId/webhooks/$webhookId"
					params={{ webhookId: id }}
					data-row={id}
				>
					{name}
				</Link>
			</div>
			<div className="cut dim mono" title={endpoint}>
				{addressOf(endpoint)}
			</div>
		</div>
	);
}

function Types({ types }: { readonly types: readonly string[] | null }) {
	if (types === null) {
		return (
			<span className="dim">
				All<span className="only-phone"> event types</span>
			</span>
		);
	}
	return (
		<div className="cut mono" title={types.join(", ")}>
			{types.join(", ")}
		</div>
	);
}

/** The code of the last attempt, and when it was. */
function LastAnswer({ webhook: { lastAttempt } }: { readonly webhook: Webhook }) {
	if (lastAttempt === null) return <span className="dim">–</span>;
	return (
		<div className="cut">
			<AnswerCode
				code={lastAttempt.responseCode}
				reason={lastAttempt.error === null ? null : (lastAttempt.cause ?? lastAttempt.error)}
			/>{" "}
			<span className="dim">
				<Time at={lastAttempt.date} form="distance" />
			</span>
		</div>
	);
}

function Waiting({ Pending, Held }: Webhook["deliveries"]) {
	if (Pending + Held === 0) return <span className="dim none">–</span>;
	return (
		<>
			{Pending > 0 && <div>{count(Pending)}</div>}
			{Held > 0 && <div className="text-warn">{count(Held)} held</div>}
		</>
	);
}

function FailedCount({ count: failed }: { readonly count: number }) {
	return failed === 0 ? <span className="dim none">–</span> : <span className="text-bad">{count(failed)}</span>;
}

/** What a person should know, in a few words. */
function Trouble({ webhook: { status, health, lastAttempt, disabledReason } }: { readonly webhook: Webhook }) {
	const now = useNow(30_000);
	if (status === "Disabled") {
		return (
			<div className="cut text-bad sentence" title={disabledReason ?? undefined}>
				{shortReason(disabledReason, lastAttempt?.responseCode ?? null) || "Disabled"}
			</div>
		);
	}
	if (health.failingSince === null) return null;
	return <div className="cut dim">No success for {coarseDuration(now - health.failingSince)}</div>;
}

function isMatch({ id, name, endpoint, customerId = "" }: Webhook, q: string): boolean {
	return [id, name, endpoint, customerId].some((text) => text.toLowerCase().includes(q.toLowerCase()));
}
